"""The Logging query language: from text to a tree.

    a OR NOT b AND c      is      (a OR (NOT b)) AND c
    a b                   is      a AND b
    field=("x" OR "y")    is      field="x" OR field="y"

Fields are paths: `labels."with.dots".rest` has three segments.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

LONGEST = 20_000
"""Characters that Cloud Logging takes."""

OPERATORS = ("!=", ">=", "<=", "=~", "!~", "=", ">", "<", ":")


class FilterError(ValueError):
    """The filter cannot be understood. The message is Cloud Logging's."""


@dataclass(frozen=True)
class And:
    """All of these."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Or:
    """Any of these."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Not:
    """Not this."""

    part: Expression


@dataclass(frozen=True)
class Compare:
    """A field, one of OPERATORS, and a value as it was written, without quotes."""

    path: tuple[str, ...]
    operator: str
    value: str


@dataclass(frozen=True)
class Text:
    """A text that any field may hold."""

    text: str


@dataclass(frozen=True)
class Call:
    """A function such as `log_id("stdout")`."""

    name: str
    arguments: tuple[str, ...]


Expression = And | Or | Not | Compare | Text | Call

_QUOTED = r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'"
_CHUNK = r"""[^\s()=<>!:"',~]+"""
_TOKEN = re.compile(
    rf"""(?P<blank>(?:\s|--[^\n]*)+)
       | (?P<quoted>{_QUOTED})
       | (?P<operator>!=|>=|<=|=~|!~|=|>|<|:|\(|\)|,)
       | (?P<minus>-(?=[\w("']))
       | (?P<word>{_CHUNK}(?:(?<=\.)(?:{_QUOTED})(?:{_CHUNK})?)*)""",
    re.VERBOSE | re.DOTALL,
)
_SEGMENT = re.compile(rf"(?P<quoted>{_QUOTED})|(?P<plain>[^.\"']+)", re.DOTALL)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


_END = "end"


def parse(text: str) -> Expression | None:
    """Return the tree of a filter, or None for an empty one.

    Raises:
        FilterError: it is too long, or no sentence of the language.
    """
    if len(text) > LONGEST:
        raise FilterError(f"Filter is too long: {len(text)} characters, and the limit is {LONGEST}.")
    tokens = _tokens(text)
    return _Parser(text, tokens).whole() if tokens[0].kind != _END else None


def unquote(text: str) -> str:
    """Return what a quoted text means; other text is left as it is."""
    if text[:1] not in "\"'" or not text:
        return text
    return re.sub(r"\\(.)", _escape, text[1:-1], flags=re.DOTALL)


def _escape(match: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "r": "\r"}.get(match[1], match[1])


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise _syntax_error(text, at, text[at])
        kind = match.lastgroup or ""
        if kind == "minus" and tokens and tokens[-1].text in OPERATORS:
            # After an operator it is the sign of a number.
            match = re.compile(rf"-{_CHUNK}|-").match(text, at) or match
            kind = "word"
        if kind != "blank":
            tokens.append(_Token(kind, match[0], at))
        at = match.end()
    return [*tokens, _Token(_END, "", len(text))]


def _syntax_error(text: str, at: int, token: str) -> FilterError:
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    shown = token or "end of filter"
    return FilterError(f"Unparseable filter: syntax error at line {line}, column {column}, token '{shown}'")


class _Parser:
    """Goes through the tokens once, from the loosest binding (AND) to the tightest (NOT)."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._at = 0

    def whole(self) -> Expression:
        tree = self._all(self._term)
        if self._peek.kind != _END:
            raise self._unexpected()
        return tree

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._peek
        self._at += token.kind != _END
        return token

    def _next_is(self, kind: str, text: str) -> bool:
        if (self._peek.kind, self._peek.text) != (kind, text):
            return False
        self._at += 1
        return True

    def _unexpected(self) -> FilterError:
        return _syntax_error(self._text, self._peek.at, self._peek.text)

    def _all(self, term: Callable[[], Expression]) -> Expression:
        parts = [self._any(term)]
        while self._peek.kind != _END and self._peek.text != ")":
            self._next_is("word", "AND")
            parts.append(self._any(term))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _any(self, term: Callable[[], Expression]) -> Expression:
        parts = [self._one(term)]
        while self._next_is("word", "OR"):
            parts.append(self._one(term))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _one(self, term: Callable[[], Expression]) -> Expression:
        if self._next_is("word", "NOT") or self._next_is("minus", "-"):
            return Not(self._one(term))
        if self._next_is("operator", "("):
            inner = self._all(term)
            if not self._next_is("operator", ")"):
                raise self._unexpected()
            return inner
        return term()

    def _term(self) -> Expression:
        token = self._value_token()
        if token.kind == "word" and self._next_is("operator", "("):
            return Call(token.text.lower(), self._arguments())
        if self._peek.kind == "operator" and self._peek.text in OPERATORS:
            return self._comparison(_segments(token.text))
        return Text(unquote(token.text))

    def _comparison(self, path: tuple[str, ...]) -> Expression:
        operator = self._take().text

        def value() -> Expression:
            return Compare(path, operator, self._value())

        if self._next_is("operator", "("):
            values = self._all(value)
            if not self._next_is("operator", ")"):
                raise self._unexpected()
            return values
        return value()

    def _value(self) -> str:
        token = self._value_token()
        text = unquote(token.text)
        # An unquoted time holds colons: they belong to it while nothing separates them.
        end = token.at + len(token.text)
        while token.kind == "word" and self._peek.text == ":" and self._peek.at == end:
            self._take()
            token = self._value_token()
            text += ":" + token.text
            end = token.at + len(token.text)
        return text

    def _value_token(self) -> _Token:
        token = self._peek
        if token.kind not in ("word", "quoted") or (token.kind == "word" and token.text in ("AND", "OR")):
            raise self._unexpected()
        return self._take()

    def _arguments(self) -> tuple[str, ...]:
        arguments = []
        while not self._next_is("operator", ")"):
            arguments.append(unquote(self._value_token().text))
            self._next_is("operator", ",")
        return tuple(arguments)


def _segments(path: str) -> tuple[str, ...]:
    return tuple(unquote(match[0]) for match in _SEGMENT.finditer(path))
