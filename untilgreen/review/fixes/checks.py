"""Whether a fix takes away, loosens or bypasses what refuses bad input and strangers."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from untilgreen.model.analysis import Finding
from untilgreen.model.claims import CodeDefect
from untilgreen.review.fixes.change import Change, ask
from untilgreen.review.fixes.guards import Guard, guards_in
from untilgreen.review.fixes.places import lost_places, modules, new_places

_LAX = re.compile(
    r"verify\s*=\s*False|check_hostname\s*=\s*False|CERT_NONE|[\"']?verify_\w+[\"']?\s*[:=]\s*False|_create_unverified_context"
    r"|allow[-_]unauthenticated|allUsers|AllowAny|csrf_exempt|algorithms?[\"']?\s*[:=].*[\"']none[\"']"
    r"|\b(?:auth|login|verification|validation|csrf|tls|ssl|secure|strict)\w*\s*[:=]\s*(?:False|false|no|off)\b"
    r"|\w*(?:DISABLE|SKIP|BYPASS|INSECURE|NO_AUTH|ALLOW_ANON)\w*[\"']?\s*[:=]\s*[\"']?(?:1|true|yes|on)\b"
    r"|rejectUnauthorized:\s*false|NODE_TLS_REJECT_UNAUTHORIZED|InsecureSkipVerify|StrictHostKeyChecking=no"
    r"|\b(?:curl|wget)\b.*(?:\s-k\b|--insecure|--no-check-certificate)|HEALTHCHECK\s+NONE|extra\s*=\s*[\"'](?:allow|ignore)",
    re.IGNORECASE,
)
_PATTERNS = frozenset({"compile", "match", "fullmatch", "search"})
_BOUNDS = frozenset(
    {"min_length", "max_length", "ge", "gt", "le", "lt", "multiple_of", "pattern", "regex", "strict", "min_items",
     "max_items", "min_value", "max_value", "max_digits", "required", "minLength", "maxLength"}
)  # fmt: skip
_LOOSE = frozenset({"Any", "typing.Any", "object", "str", "dict", "bytes", "t.Any"})


def keeps_checks(change: Change) -> Iterator[Finding]:
    """It takes no check away."""
    old = Counter(found[0] for line in change.removed for found in _LAX.finditer(line.text))
    for line in change.added:
        for found in _LAX.finditer(line.text) if not change.is_test(line.path) else ():
            if old[found[0]]:
                old[found[0]] -= 1
                continue
            where = f"{line.path}:{line.number}"
            yield ask("checks", f"{where} turns a check off", where)
    lost = _counted(change, change.before) - _counted(change, change.after)
    if lost:
        names = ", ".join(sorted(lost))
        places = (g.where for g in _guards(change, change.before) if g.name in lost)
        yield ask("checks", f"takes away checks: {names}", *dict.fromkeys(places))


def keeps_checks_strict(change: Change) -> Iterator[Finding]:
    """No check depends on more than before, and none has other bounds."""
    before, after = _by_scope(change, change.before), _by_scope(change, change.after)
    for key, old in before.items():
        gone, fresh = _differing(old, after.get(key, []))
        for guard in gone:
            yield from _loosened(guard, fresh) or _other(change, guard, fresh)


def _other(change: Change, guard: Guard, fresh: list[Guard]) -> list[Finding]:
    """Tell of a check that asks something else now, in a function that the cause does not name."""
    claim = change.analysis.leaf.claim if change.analysis else None
    named = isinstance(claim, CodeDefect) and claim.symbol.rpartition(".")[2] in guard.scope.split(".")
    if not fresh or named or not isinstance(claim, CodeDefect) or not guard.when:
        return []
    message = f"{fresh[0].where} checks something else than before, and the cause is {claim.symbol}: {_said(fresh[0])}"
    return [ask("bounds", message, fresh[0].where)]


def _loosened(guard: Guard, fresh: list[Guard]) -> list[Finding]:
    for other in fresh:
        if guard.when < other.when:
            more = " and ".join(sorted(other.when - guard.when))
            return [ask("weakened", f"{other.where} checks only if {more}; before, it always did", other.where)]
        if guard.shape == other.shape and guard.when:
            message = f"{other.where} has other bounds: {_said(guard)} became {_said(other)}"
            return [ask("bounds", message, other.where)]
    return []


def keeps_patterns_and_bounds(change: Change) -> Iterator[Finding]:
    """It loosens no pattern, no declared bound and no declared type of what comes in."""
    for place in lost_places(change, _bounds_in):
        yield ask(
            "bounds", f"{place.where} without the fix says {place.text}; with it, that is gone or another", place.where
        )
    before, after = dict(_fields(change, change.before)), dict(_fields(change, change.after))
    for key, (kind, _) in before.items():
        now, where = after.get(key, (kind, ""))
        if now != kind and now in _LOOSE and kind not in _LOOSE:
            yield ask("bounds", f"{where} takes {now} where {kind} was wanted", where)


def keeps_routes(change: Change) -> Iterator[Finding]:
    """It takes no endpoint away."""
    for place in lost_places(change, _routes):
        yield ask(
            "route", f"{place.where} without the fix answers {place.text}; with it, nothing there does", place.where
        )


def _routes(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Find what registers a path: a decorator, or a call with a path and a function."""
    calls = [one for one in getattr(node, "decorator_list", []) if isinstance(one, ast.Call) and one.args]
    if isinstance(node, ast.Call) and len(node.args) > 1 and isinstance(node.args[1], ast.Name | ast.Attribute):
        calls.append(node)
    for call in calls:
        path = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
        if isinstance(path, str) and path.startswith("/") and isinstance(call.func, ast.Attribute | ast.Name):
            yield "route", f"{ast.unparse(call.func).rpartition('.')[2]} {path}"


def answers_honestly(change: Change) -> Iterator[Finding]:
    """It does not turn an answer into a success after the fact."""
    for place in new_places(change, _rewritten, edits=True):
        yield ask("status", f"{place.where} overwrites an answer's status: {place.text}", place.where)


def _rewritten(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value in range(200, 300):
        for target in node.targets:
            if isinstance(target, ast.Attribute) and target.attr in {"status", "status_code", "code"}:
                yield "status", ast.unparse(node)


def _bounds_in(node: ast.AST) -> Iterator[tuple[str, str]]:
    if not isinstance(node, ast.Call):
        return
    name = ast.unparse(node.func)
    if name.rpartition(".")[2] in _PATTERNS and node.args and isinstance(node.args[0], ast.Constant):
        yield "pattern", f"the pattern {ast.unparse(node.args[0])}"
    for keyword in node.keywords:
        if keyword.arg in _BOUNDS and isinstance(keyword.value, ast.Constant):
            yield f"{name} {keyword.arg}", f"{keyword.arg}={ast.unparse(keyword.value)}"


def _fields(change: Change, tree: Mapping[str, str]) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Go through the declared fields of classes: (class, name) -> (type, where)."""
    for path, module in modules(change, tree):
        for node in ast.walk(module):
            fields = [f for f in node.body if isinstance(f, ast.AnnAssign)] if isinstance(node, ast.ClassDef) else []
            for field in fields:
                where = f"{path}:{field.lineno}"
                yield (getattr(node, "name", ""), ast.unparse(field.target)), (ast.unparse(field.annotation), where)


def _counted(change: Change, tree: Mapping[str, str]) -> Counter[str]:
    """Count over all touched files together, so that moving a check from one to another changes nothing."""
    return Counter(guard.name for guard in _guards(change, tree))


def _guards(change: Change, tree: Mapping[str, str]) -> list[Guard]:
    return [guard for path, module in modules(change, tree) for guard in guards_in(module, path)]


def _by_scope(change: Change, tree: Mapping[str, str]) -> dict[tuple[str, str], list[Guard]]:
    found: dict[tuple[str, str], list[Guard]] = defaultdict(list)
    for guard in _guards(change, tree):
        found[guard.scope, guard.name].append(guard)
    return found


def _differing(old: list[Guard], new: list[Guard]) -> tuple[list[Guard], list[Guard]]:
    """Return the guards of each side that the other has not under the same conditions."""
    conditions = Counter(guard.when for guard in new)
    gone = []
    for guard in old:
        if conditions[guard.when]:
            conditions[guard.when] -= 1
        else:
            gone.append(guard)
    known = Counter(guard.when for guard in old)
    fresh = []
    for guard in new:
        if known[guard.when]:
            known[guard.when] -= 1
        else:
            fresh.append(guard)
    return gone, fresh


def _said(guard: Guard) -> str:
    return " and ".join(sorted(guard.when))
