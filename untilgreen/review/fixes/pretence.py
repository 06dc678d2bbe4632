"""Whether a fix only looks like one: constants for answers, cases for the tests, dead code, waiting for luck."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import PurePosixPath

from untilgreen.model.analysis import Finding
from untilgreen.review.fixes.change import Change, ask, stop
from untilgreen.review.fixes.places import modules, new_places, scoped
from untilgreen.ssot.syntax import Function, parsed

_SENSES = re.compile(
    r"PYTEST_|[\"'](?:pytest|unittest|_pytest)[\"']\s+(?:not\s+)?in\s+sys\.modules|import\s+_?pytest\b"
    r"|untilgreen|python-(?:requests|httpx)|aiohttp/",
    re.IGNORECASE,
)
"""How a test run betrays itself: its runner, our own headers, its clients' names."""
_TEST_FLAG = re.compile(r"(?:^|_)(?:E2E|TEST|TESTS|TESTING|CI|UNDER_TEST|IS_TEST)(?:_|$)", re.IGNORECASE)
_STAGES = frozenset({"test", "tests", "testing", "e2e", "ci", "pytest", "staging", "stage", "emulator"})
_AGENT = re.compile(r"[\"']user-agent[\"']|user_agent", re.IGNORECASE)
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Letters that turn the direction of reading."""
_HIDDEN = re.compile("[\u200b\u200c\u200e\u200f\u2060\u00ad]|(?<=.)\ufeff")
_CODE = re.compile(r"\.(?:py|pyi|[cm]?[jt]sx?|sh|go|rb|java|ya?ml|toml|json|sql)$|(?:Docker|Proc|Make)file[^/]*$")
"""Where letters without width are no typography."""
_WAITERS = frozenset({"sleep", "retry", "Retry", "retrying", "on_exception", "on_predicate", "retry_call"})
_AGAIN = re.compile(r"(?:max_|total_)?(?:retries|attempts|tries)")
_OBSCURE = re.compile(r"(?:builtins\.)?(?:eval|exec|compile|__import__)|(?:pickle|marshal|dill)\.loads?")
_STUB = re.compile(r"\boverload$|\babstract\w*$")
"""Decorators of functions that are only announced."""
_SHORT = 3
_DATA = re.compile(r"[\d@/ ]")
"""Names of fields and headers hold none of these; names of people, orders and paths do."""


def does_not_sense_tests(change: Change) -> Iterator[Finding]:
    """The product does not behave otherwise when it is tested."""
    for line in change.added:
        if change.is_test(line.path) or line.path.endswith((".md", ".yaml", ".toml", "requirements.txt")):
            continue
        where = f"{line.path}:{line.number}"
        if _SENSES.search(line.text):
            yield stop("senses_tests", f"{where} lets the product notice that it is tested", where)
        elif _AGENT.search(line.text):
            yield ask("senses_tests", f"{where} asks who is calling; a test would be told from a user by that", where)
    for place in new_places(change, _flags, edits=True):
        yield stop(
            "senses_tests",
            f"{place.where} asks {place.text}, by which the product would notice that it is tested",
            place.where,
        )

    for place in new_places(change, _stages, edits=True):
        message = f"{place.where} decides by {place.text}, which is so where the tests run; what about the others?"
        yield ask("senses_tests", message, place.where)


def _stages(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Find comparisons with the name of a stage."""
    if isinstance(node, ast.Compare):
        sides = [leaf for side in (node.left, *node.comparators) for leaf in _leaves(side)]
        named = (side.value for side in sides if isinstance(side, ast.Constant) and isinstance(side.value, str))
        yield from (("stage", repr(text)) for text in named if text.lower() in _STAGES)


def _flags(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Find environment variables whose names say that this is a test."""
    if isinstance(node, ast.Call | ast.Subscript):
        reader = ast.unparse(node.func if isinstance(node, ast.Call) else node.value)
        named = (node.args[:1] if isinstance(node, ast.Call) else [node.slice]) if "env" in reader else []
        for one in named:
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and _TEST_FLAG.search(one.value):
                yield "flag", one.value


def knows_no_test_data(change: Change) -> Iterator[Finding]:
    """The product decides nothing by a value that only the tests have."""
    places = list(new_places(change, _decides, edits=True))
    if not places:
        return  # before a whole repository is read
    known = _texts(t for p, t in change.before.items() if p.endswith(".py") and not change.is_test(p))
    tested = _texts(t for p, t in change.before.items() if p.endswith(".py") and change.is_test(p)) - known
    for place in places:
        if place.text in tested:
            message = f"{place.where} decides by {place.text!r}, which only the tests say; what about everybody else?"
            yield ask("special_case", message, place.where)


def _texts(sources: Iterator[str]) -> set[str]:
    trees = (parsed(text) for text in sources)
    nodes = (node for tree in trees if isinstance(tree, ast.Module) for node in ast.walk(tree))
    return {text for node in nodes if (text := _distinct(node))}


def _distinct(node: ast.AST) -> str:
    """Return a constant that is long enough to mean something, as text."""
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, str) and len(value) >= _SHORT:
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 999 else ""  # noqa: PLR2004 - smaller numbers mean many things


def _decides(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Find constants that a comparison, a case, a prefix or a table of answers goes by."""
    looked: list[ast.AST] = []
    if isinstance(node, ast.Compare):
        looked = [leaf for side in (node.left, *node.comparators) for leaf in _leaves(side)]
        if isinstance(node.ops[0], ast.In | ast.NotIn) and not _DATA.search(str(getattr(node.left, "value", " "))):
            looked = []  # whether a field is there, not what it says
    elif isinstance(node, ast.MatchValue):
        looked = [node.value]
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"startswith", "endswith"}
    ):
        looked = [leaf for one in node.args for leaf in _leaves(one)]
    elif isinstance(node, ast.Dict):
        looked = [key for key in node.keys if key and _DATA.search(str(getattr(key, "value", "")))]
    yield from (("decides", text) for one in looked if (text := _distinct(one)))


def _leaves(node: ast.AST) -> list[ast.AST]:
    return list(node.elts) if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]


def computes_its_answers(change: Change) -> Iterator[Finding]:
    """No function that computed something returns a constant instead."""
    before = {name: node for _, module in modules(change, change.before) for name, node in _functions(module)}
    for path, module in modules(change, change.after):
        for name, node in _functions(module):
            if name in before and _constant(node) and not _constant(before[name]):
                where = f"{path}:{node.lineno}"
                yield ask("hollow", f"{where} {name} returns a constant where it computed something", where)


def _functions(module: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for scope, node in scoped(module):
        if isinstance(node, Function) and not any(_STUB.search(ast.unparse(one)) for one in node.decorator_list):
            yield f"{scope}.{node.name}".lstrip("."), node


def _constant(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether a function does nothing but return what is written in it, perhaps wrapped in a call."""
    body = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    if len(body) > 1 or not all(isinstance(statement, ast.Return | ast.Pass) for statement in body):
        return False
    nodes = [node for statement in body for node in ast.walk(statement)]
    taken = {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)}
    uses = any(isinstance(node, ast.Name) and node.id in taken for node in nodes)
    asks = any(isinstance(node, ast.Call) and not (node.args or node.keywords) for node in nodes)
    return not uses and not asks and not any(isinstance(node, ast.Await | ast.Subscript | ast.Yield) for node in nodes)


def leaves_no_dead_code(change: Change) -> Iterator[Finding]:
    """No condition is decided when it is written, and nothing stands where nobody comes."""
    for place in new_places(change, _dead, edits=True):
        yield ask("dead", f"{place.where} {place.text}", place.where)


def _dead(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.If | ast.IfExp | ast.Assert) and _decided(node.test):
        yield "decided", f"always goes the same way: {ast.unparse(node.test)}"
    elif isinstance(node, ast.BoolOp) and any(_decided(value) for value in node.values[:-1]):
        yield "decided", f"always goes the same way: {ast.unparse(node)}"
    elif isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and not node.test.value:
        yield "decided", f"never runs: while {ast.unparse(node.test)}"
    for body in (getattr(node, field, None) for field in ("body", "orelse", "finalbody")):
        for one, following in pairwise(body) if isinstance(body, list) else ():
            if isinstance(one, ast.Return | ast.Raise | ast.Continue | ast.Break) and not _makes_generator(following):
                yield "unreached", f"ends before what follows: {ast.unparse(one)}"


def _decided(test: ast.expr) -> bool:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _decided(test.operand)
    if isinstance(test, ast.Compare):
        return all(isinstance(one, ast.Constant) for one in (test.left, *test.comparators))
    if isinstance(test, ast.BoolOp):
        return any(_decided(value) for value in test.values)
    return isinstance(test, ast.Constant | ast.Tuple | ast.JoinedStr)


def _makes_generator(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield)


def waits_for_nothing(change: Change) -> Iterator[Finding]:
    """It does not sleep or try again until the error is gone."""
    for place in new_places(change, _waiting):
        yield ask(
            "waits", f"{place.where} waits or tries again ({place.text}); what is it that is not ready?", place.where
        )


def _waiting(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _WAITERS:
        if [ast.unparse(one) for one in node.args] == ["0"]:
            return  # lets others work, and waits for nothing
        yield "waits", ast.unparse(node)[:80]
    elif isinstance(node, ast.keyword) and _AGAIN.fullmatch(node.arg or "") and ast.unparse(node.value) != "0":
        yield "waits", f"{node.arg}={ast.unparse(node.value)}"
    elif isinstance(node, Function):
        names = (ast.unparse(one).rpartition(".")[2] for one in node.decorator_list if not isinstance(one, ast.Call))
        yield from (("waits", f"@{name}") for name in names if name in _WAITERS)
    elif isinstance(node, ast.For | ast.AsyncFor | ast.While):
        tries = [inner for inner in node.body if isinstance(inner, ast.Try)]
        if any(_goes_on(handler.body) and _leaves_loop(one) for one in tries for handler in one.handlers):
            yield "waits", f"{type(node).__name__.lower()} ... try"


def _goes_on(body: list[ast.stmt]) -> bool:
    return not any(isinstance(statement, ast.Raise | ast.Return | ast.Break) for statement in body)


def _leaves_loop(node: ast.Try) -> bool:
    return any(isinstance(s, ast.Return | ast.Break) for s in (*node.body, *node.orelse))


def patches_nobody(change: Change) -> Iterator[Finding]:
    """It does not replace parts of libraries while the program runs."""
    foreign = {path: _foreign(module, change.after) for path, module in modules(change, change.after)}
    for place in new_places(change, _assigned, edits=True):
        library = foreign[place.path].get(place.text.partition(".")[0])
        if library:
            message = f"{place.where} replaces {place.text} for everybody who uses {library}"
            yield ask("patches", message, place.where)


def _assigned(node: ast.AST) -> Iterator[tuple[str, str]]:
    targets = node.targets if isinstance(node, ast.Assign) else []
    yield from (("patches", ast.unparse(t)) for t in targets if isinstance(t, ast.Attribute))
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr" and node.args:
        yield "patches", f"{ast.unparse(node.args[0])}.?"


def _foreign(module: ast.Module, tree: Mapping[str, str]) -> dict[str, str]:
    """Return name -> module of everything that a source imports from elsewhere than this repository."""
    own = {part.removesuffix(".py") for path in tree for part in PurePosixPath(path).parts}
    found: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {a.asname or a.name.partition(".")[0]: a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {a.asname or a.name: node.module for a in node.names}
    return {name: where for name, where in found.items() if where.partition(".")[0] not in own}


def can_be_seen(change: Change) -> Iterator[Finding]:
    """It holds no letters that hide what is written, and runs no text as a program."""
    for line in change.added:
        if _TURNS.search(line.text) or (_HIDDEN.search(line.text) and _CODE.search(line.path)):
            where = f"{line.path}:{line.number}"
            yield stop("hidden", f"{where} holds letters that nobody sees; the line is not what it looks like", where)
    for place in new_places(change, _obscure, edits=True):
        yield ask("obscure", f"{place.where} runs what is not written there: {place.text}", place.where)


def _obscure(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Call) and _OBSCURE.fullmatch(ast.unparse(node.func)):
        yield "obscure", ast.unparse(node)[:80]
