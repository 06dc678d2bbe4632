"""What other rules look for, under another name, in another file or in another language."""

from __future__ import annotations

import ast
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath

from untilgreen.model.analysis import Finding
from untilgreen.review.fixes.change import Change, ask
from untilgreen.review.fixes.places import modules, new_places
from untilgreen.ssot.syntax import Function, parsed

_BROAD = frozenset({"Exception", "BaseException"})
_RUNNERS = frozenset({"eval", "exec"})
_SHELLS = frozenset({"os.system", "os.popen"})
_NO_ERROR = re.compile(r"(?:SystemExit|sys\.exit|exit|os\._exit)\((?:0|None)?\)")
_SCRIPT = re.compile(r"\.(?:sh|bash)$|(?:Docker|Proc|Make)file[^/]*$")
_PYTHON, _SCRIPTED = re.compile(r"\.py$"), re.compile(r"\.[cm]?[jt]sx?$")
_INSTALLER = r"(?:pip3?|npm|yarn|gem)"
_LINES: tuple[tuple[re.Pattern[str], str, str, str], ...] = (
    (_SCRIPT, r";\s*(?:true|:)\s*$|(?<![&>])&\s*$", "except", "goes on whether a command failed or not"),
    (_SCRIPT, r"(?:2|&)>\s*/dev/null", "mute", "throws away what a command says of its errors"),
    (_SCRIPT, r"(?:curl|wget)\b.*\|\s*(?:sudo\s+)?(?:ba|z)?sh\b", "obscure", "runs what it downloads"),
    (re.compile(r"\.sh$"), rf"\b{_INSTALLER}\s+install\b", "dependency", "installs while it runs"),
    (_PYTHON, rf"[\"']{_INSTALLER}[\"']\s*,\s*[\"']install\b", "dependency", "installs while it runs"),
    (_SCRIPTED, r"\beval\s*\(|\bnew\s+Function\s*\(", "obscure", "runs a text as a program"),
    (_PYTHON, r"\bsys\.modules\b", "senses_tests", "asks what else is loaded, as a test run is"),
    (_PYTHON, r"setLevel\(\s*(?:5[1-9]|[6-9]\d|\d{3,})|\.handlers\.clear\(", "mute", "silences logs"),
    (_PYTHON, r"\brmtree\(\s*[\"']/|\bdrop_all\(", "data", "deletes stored data"),
    (re.compile(r"\.sql$"), r"(?i)^\s*update\s(?!.*\bwhere\b).*;", "data", "overwrites every row"),
)
"""Which files, what in a line, the rule that it is about, and what the line does."""
_SOURCES_OF_PACKAGES = frozenset({"pip.conf", ".npmrc", ".pypirc", ".yarnrc", ".yarnrc.yml", "uv.toml"})


def says_it_plainly(change: Change) -> Iterator[Finding]:
    """No line does in another language, or by another call, what a rule asks about."""
    for line in change.added:
        for files, words, rule, does in _LINES:
            if files.search(line.path) and re.search(words, line.text) and not change.is_test(line.path):
                where = f"{line.path}:{line.number}"
                yield ask(rule, f"{where} {does}: {line.text.strip()[:80]}", where)


def swallows_by_no_other_name(change: Change) -> Iterator[Finding]:
    """No handler swallows every error under an alias, on one of its ways, or by ending the program well."""
    aliases = frozenset(name for _, module in modules(change, change.after) for name in _aliases(module))
    for place in new_places(change, lambda node: _swallows(node, _BROAD | aliases)):
        message = f"{place.where} {place.sort}; name the errors that are meant, or let them rise"
        yield ask("except", message, place.where)


def _aliases(module: ast.Module) -> Iterator[str]:
    """Find names that stand for every error."""
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and _names(node.value) & _BROAD:
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _names(node: ast.expr | None) -> set[str]:
    parts = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    return {ast.unparse(one).removeprefix("builtins.") for one in parts if one}


def _swallows(node: ast.AST, broad: frozenset[str]) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.ExceptHandler) and (node.type is None or _names(node.type) & broad):
        yield from _lets_go(node, _names(node.type) & (broad - _BROAD))
    elif isinstance(node, Function) and node.name in {"__exit__", "__aexit__"}:
        told = [inner.value for inner in _own(node.body) if isinstance(inner, ast.Return) and inner.value]
        if any(not isinstance(value, ast.Constant) or value.value for value in told if not _passes_on(value)):
            yield "may end errors as a context is left", ast.unparse(node)
    elif isinstance(node, ast.Assign) and {"__exit__", "__aexit__"} & {ast.unparse(t) for t in node.targets}:
        yield "ends errors as a context is left", ast.unparse(node)
    elif isinstance(node, ast.With | ast.AsyncWith):
        calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
        if any(_names(one) & broad for call in calls for one in call.args):
            yield "gives every error to a context", " ".join(ast.unparse(call) for call in calls)
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "os._exit":
        yield "ends the program before anybody is told", ast.unparse(node)


def _lets_go(node: ast.ExceptHandler, aliases: set[str]) -> Iterator[tuple[str, str]]:
    does = list(_own(node.body))
    if any(isinstance(inner, ast.Return | ast.Continue | ast.Break) for inner in does):
        yield "lets every error end without a word", ast.unparse(node)
    elif any(isinstance(inner, ast.Raise) and _NO_ERROR.search(ast.unparse(inner)) for inner in does):
        yield "ends the program well after any error", ast.unparse(node)
    elif aliases and not any(isinstance(inner, ast.Raise) for inner in does):
        yield "swallows every error under another name", ast.unparse(node)


def _passes_on(value: ast.expr) -> bool:
    """Tell whether another context's own answer is returned."""
    call = value.value if isinstance(value, ast.Await) else value
    return isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in {"__exit__", "__aexit__"}


def _own(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Go through what statements do themselves, without functions that they only define."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def runs_nothing_unseen(change: Change) -> Iterator[Finding]:
    """No text is run as a program under another name, by a shell, or while it is read."""
    for place in new_places(change, _runs, edits=True):
        yield ask("obscure", f"{place.where} runs what is not written there: {place.text}", place.where)


def _runs(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in _RUNNERS:
        yield "alias", ast.unparse(node)[:80]
    if not isinstance(node, ast.Call):
        return
    name, said = ast.unparse(node.func), ast.unparse(node)[:80]
    through_shell = any(k.arg == "shell" and ast.unparse(k.value) != "False" for k in node.keywords)
    written = bool(node.args) and isinstance(node.args[0], ast.Constant)
    if name in _SHELLS or through_shell:
        yield "shell", said
    elif name == "getattr" and node.args and "builtins" in ast.unparse(node.args[0]):
        yield "builtins", said
    elif name.rpartition(".")[2] == "import_module" and not written:
        yield "import", said
    elif name in {"yaml.load", "yaml.unsafe_load", "yaml.full_load"} and "SafeLoader" not in ast.unparse(node):
        yield "yaml", said


def stands_for_nobody(change: Change) -> Iterator[Finding]:
    """Nothing takes the place of a module, a function or a name that others use."""
    for path in change.touched:
        name = PurePosixPath(path.removesuffix("/__init__.py")).stem
        new = path in change.after and path not in change.before
        if new and path.endswith(".py") and name in sys.stdlib_module_names and _at_a_root(change, path):
            yield ask("patches", f"{path} would be imported in place of Python's own {name}", path)
        if path in change.after and PurePosixPath(path).name in _SOURCES_OF_PACKAGES:
            yield ask("dependency", f"{path} says where packages come from", path)
    for path, module in modules(change, change.after):
        old = parsed(change.before.get(path, ""))
        known = _replaced(old) if isinstance(old, ast.Module) else {}
        for name, line in _replaced(module).items():
            if name not in known:
                yield ask("patches", f"{path}:{line} puts something else in the place of {name}", f"{path}:{line}")
    for place in new_places(change, _misleads):
        yield ask(place.sort, f"{place.where} {place.text}", place.where)


def _imports(module: ast.Module) -> Iterator[ast.alias]:
    for node in module.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from node.names


def _at_a_root(change: Change, path: str) -> bool:
    folder = str(PurePosixPath(path.removesuffix("/__init__.py")).parent)
    return folder in {".", "src", *(service.source.strip("/") for service in change.settings.services.values())}


def _replaced(module: ast.Module) -> dict[str, int]:
    """Return what a module itself defines or imports, and assigns anew -> the line."""
    names = {node.name for node in module.body if isinstance(node, Function | ast.ClassDef)}
    names |= {(alias.asname or alias.name).partition(".")[0] for alias in _imports(module)}
    assigned = [(target, one) for one in module.body if isinstance(one, ast.Assign) for target in one.targets]
    plain = [(ast.unparse(t), one.lineno) for t, one in assigned if isinstance(t, ast.Name | ast.Attribute)]
    return {name: line for name, line in plain if name.partition(".")[0] in names}


def _misleads(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Find stand-ins in the product, and names that look like others."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        if "unittest.mock" in (said := ast.unparse(node)) or said.startswith("from unittest import mock"):
            yield "patches", "brings stand-ins into the product"
    elif isinstance(node, ast.Name) and _two_alphabets(node.id):
        yield "hidden", f"mixes alphabets in a name: {node.id!a}"
    elif isinstance(node, Function) and _two_alphabets(node.name):
        yield "hidden", f"mixes alphabets in a name: {node.name!a}"


def _two_alphabets(name: str) -> bool:
    """Tell whether a name has Latin letters and others: an umlaut is Latin, a Cyrillic e only looks so."""
    return len({unicodedata.name(letter, "?").startswith("LATIN") for letter in name if letter.isalpha()}) > 1


def compares_two_things(change: Change) -> Iterator[Finding]:
    """No comparison has the same on both sides, and nothing goes through what is written as empty."""
    for place in new_places(change, _vacuous, edits=True):
        yield ask("dead", f"{place.where} {place.text}", place.where)


def _vacuous(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("compare_digest") and len(node.args) > 1:
        first, second = (ast.unparse(one) for one in node.args[:2])
        if first == second:
            yield "same", f"compares {first} with itself"
    elif isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple | ast.List) and not node.iter.elts:
        yield "empty", f"never goes round: {ast.unparse(node.iter)}"
