"""Filters of Cloud Monitoring: what they select, in Google's grammar.

    metric.type = "run.googleapis.com/request_count" AND resource.labels.service_name = starts_with("shop")

AND may be left out, OR binds tighter than AND, NOT and `-` negate. Values are texts, or `starts_with`, `ends_with`,
`has_substring`, `one_of` and `monitoring.regex.full_match` of texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from untilgreen.emulator.monitoring_metrics import METRICS, RESOURCE, RESOURCE_LABELS, Metric, Series
from untilgreen.emulator.rpc import Refusal, invalid, not_emulated, not_found

Test = Callable[[Series], bool]

_QUOTED = r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*'"
_TOKEN = re.compile(
    rf"""\s+ | (?P<quoted>{_QUOTED}) | (?P<sign>!=|>=|<=|[=<>:(),]) | (?P<minus>-(?=[A-Za-z(]))
       | (?P<word>[A-Za-z0-9_](?:[\w./-]|{_QUOTED})*)""",
    re.VERBOSE,
)
_SIGNS = frozenset({"=", "!=", ">", ">=", "<", "<=", ":"})
_NOTHING_SUCH = (
    "The supplied filter does not specify a valid combination of metric and monitored resource descriptors. "
    "The query will not return any time series."
)


@dataclass(frozen=True)
class Selection:
    """What a filter selects: one metric, and of its series those that pass a test."""

    metric: Metric
    test: Test


def parse(text: str) -> Selection:
    """Read the filter of a list of time series.

    Raises:
        Refusal: it is none, names no metric or several, or means something that is not measured here.
    """
    parser = _Parser(text)
    test = parser.whole()
    types = set(parser.types)
    if len(types) != 1:
        raise _wrong(text, 'must specify a restriction on "metric.type" in the filter, of one metric type')
    name = types.pop()
    if name not in METRICS:
        if name.startswith("run.googleapis.com/"):
            raise not_emulated(f"The metric {name}")
        raise not_found(f'Cannot find metric(s) that match type = "{name}".')
    if any(label not in METRICS[name].labels for label in parser.labels):
        raise invalid(_NOTHING_SUCH)
    return Selection(METRICS[name], test)


def _wrong(text: str, why: str) -> Refusal:
    return invalid(f'Field filter had an invalid value of "{text}": {why}.')


class _Parser:
    """Goes through the tokens once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split(text)
        self._at = 0
        self._negated = False
        self.types: list[str] = []
        self.labels: list[str] = []

    def whole(self) -> Test:
        test = self._all() if self._peek[1] else lambda _: True
        if self._peek[1]:
            raise self._unexpected()
        return test

    def _split(self, text: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if not match:
                raise _wrong(text, f"syntax error at '{text[at:][:20]}'")
            if match.lastgroup:
                tokens.append((match.lastgroup, match[0]))
            at = match.end()
        return [*tokens, ("end", "")]

    @property
    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _take(self, *kinds: str) -> str:
        kind, text = self._peek
        if kind not in kinds:
            raise self._unexpected()
        self._at += 1
        return text

    def _next_is(self, *texts: str) -> bool:
        if self._peek[0] == "quoted" or self._peek[1] not in texts:
            return False
        self._at += 1
        return True

    def _unexpected(self) -> Refusal:
        return _wrong(self._text, f"syntax error at '{self._peek[1] or 'the end'}'")

    def _all(self) -> Test:
        tests = [self._any()]
        while self._peek[1] not in ("", ")"):
            self._next_is("AND")
            tests.append(self._any())
        return lambda series: all(test(series) for test in tests)

    def _any(self) -> Test:
        tests = [self._one()]
        while self._next_is("OR"):
            tests.append(self._one())
        return lambda series: any(test(series) for test in tests)

    def _one(self) -> Test:
        if self._next_is("NOT", "-"):
            self._negated = not self._negated
            inner = self._one()
            self._negated = not self._negated
            return lambda series: not inner(series)
        if self._next_is("("):
            test = self._all()
            self._expect(")")
            return test
        return self._comparison()

    def _expect(self, sign: str) -> None:
        if not self._next_is(sign):
            raise self._unexpected()

    def _comparison(self) -> Test:
        path, sign = self._take("word"), self._take("sign")
        if sign not in _SIGNS:
            raise self._unexpected()
        if sign in (">", ">=", "<", "<="):
            raise not_emulated(f"The operator {sign} in a filter of time series")
        read, matches = self._reader(path), self._matcher(path, sign)
        negate = sign == "!="
        return lambda series: matches(read(series)) is not negate

    def _matcher(self, path: str, sign: str) -> Callable[[str], bool]:
        kind, word = self._peek
        self._take("word", "quoted")
        if kind == "word" and self._next_is("("):
            arguments = [_unquote(self._take("word", "quoted"))]
            while self._next_is(","):
                arguments.append(_unquote(self._take("word", "quoted")))
            self._expect(")")
            return self._function(word, arguments)
        value = _unquote(word)
        if path == "metric.type" and sign == "=" and not self._negated:
            self.types.append(value)
        return (lambda text: value in text) if sign == ":" else (lambda text: text == value)

    def _function(self, name: str, arguments: list[str]) -> Callable[[str], bool]:
        first = arguments[0]
        match name:
            case "starts_with":
                return lambda text: text.startswith(first)
            case "ends_with":
                return lambda text: text.endswith(first)
            case "has_substring":
                return lambda text: first in text
            case "one_of":
                return lambda text: text in arguments
            case "monitoring.regex.full_match":
                try:
                    pattern = re.compile(first)
                except re.error as error:
                    raise _wrong(self._text, f"'{first}' is no regular expression: {error}") from None
                return lambda text: pattern.fullmatch(text) is not None
        raise not_emulated(f"The filter function {name}()")

    def _reader(self, path: str) -> Callable[[Series], str]:
        owner, _, rest = path.partition(".")
        kind, _, label = rest.partition(".")
        label = _unquote(label)
        if path == "metric.type":
            return lambda series: series.metric
        if path == "resource.type":
            return lambda _: RESOURCE
        if path == "project":
            return lambda series: series.resource_labels["project_id"]
        if owner == "resource" and kind in ("label", "labels") and label in RESOURCE_LABELS:
            return lambda series: series.resource_labels.get(label, "")
        if owner == "metric" and kind in ("label", "labels") and label:
            self.labels.append(label)
            return lambda series: series.metric_labels.get(label, "")
        if owner in ("metadata", "group"):
            raise not_emulated(f"The selector {path} in a filter of time series")
        raise invalid(_NOTHING_SUCH)


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in ('"', "'") else text
