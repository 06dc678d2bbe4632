"""A fix may not bring what the tree has already, whatever it calls it."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.review_scene import chain
from untilgreen.model.analysis import Fix, Truth
from untilgreen.model.claims import CodeDefect
from untilgreen.review.fixes.change import Change
from untilgreen.review.fixes.duplicates import duplicates
from untilgreen.settings import parse
from untilgreen.ssot.likeness import Index
from untilgreen.ssot.shape import Shape, shapes
from untilgreen.ssot.syntax import parsed

SETTINGS = parse("services: {web: {source: web, image: r/web}}")

CANONICAL = '''
def to_wire(value, depth=0):
    """Return a value as plain data."""
    if depth > 20:
        raise ValueError("nested too deeply")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {str(key): to_wire(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_wire(item, depth + 1) for item in value]
    if is_dataclass(value):
        return to_wire(asdict(value), depth + 1)
    if hasattr(value, "model_dump"):
        return to_wire(value.model_dump(), depth + 1)
    return value
'''
OTHER = """
def read_orders(path, since):
    orders = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            order = json.loads(line)
            if order["state"] == "open" and order["placed"] >= since:
                orders.append((order["placed"], order["number"]))
    orders.sort(reverse=True)
    return orders[:100]
"""
COPY = (
    CANONICAL.replace("to_wire", "_jsonable")
    .replace("value", "obj")
    .replace("obj.obj", "obj.value")
    .replace("item", "element")
    .replace("elements()", "items()")
    .replace("depth", "level")
)
EDITS = {
    "renamed": COPY,
    "typed and logged": COPY.replace("(obj, level=0)", "(obj: object, level: int = 0) -> object").replace(
        "    if level > 20", '    logger.debug("at %s", level)\n    if level > 20'
    ),
    "one branch fewer": COPY.replace("    if isinstance(obj, Decimal):\n        return str(obj)\n", ""),
    "one branch more": COPY.replace(
        "    if isinstance(obj, Decimal)",
        "    if isinstance(obj, UUID):\n        return str(obj)\n    if isinstance(obj, Decimal)",
    ),
    "another limit and message": COPY.replace("20", "50").replace("nested too deeply", "too deep"),
    "one result": COPY.replace("        return str(obj)", "        result = str(obj)\n        return result"),
}


def change(before: dict[str, str], after: dict[str, str]) -> Change:
    """Return a fix that makes one tree from another."""
    fix = Fix(id="fix-1", author="a", title="t", analysis="analysis-1", breaks="", diff="")
    return Change(fix, chain(CodeDefect(path="a.py", line=1, symbol="f")), before, after, SETTINGS)


def only(text: str) -> Shape:
    """Return the shape of a text's first function."""
    module = parsed(text)
    assert isinstance(module, ast.Module)
    return next(shapes(module, "a.py"))


@pytest.mark.parametrize("edit", EDITS)
def test_edited_copies(edit: str) -> None:
    """A renamed and slightly edited copy is rejected, and the original is named with its place."""
    before = {"web/wire.py": CANONICAL, "web/orders.py": OTHER}
    (finding,) = duplicates(change(before, before | {"web/ws.py": EDITS[edit]}))
    assert finding.truth is Truth.REFUTED, finding.message
    assert "web/wire.py:2 to_wire" in finding.evidence


def test_moves() -> None:
    """Moving and renaming a function is no duplicate: the tree after the fix holds it once."""
    assert not list(duplicates(change({"web/wire.py": CANONICAL}, {"shared/plain.py": COPY})))


def test_old_copies() -> None:
    """An edit in a copy that was there before, and a move of it, are not where the copy comes from."""
    before = {"a.py": CANONICAL, "b.py": COPY}
    edited = before | {"b.py": COPY.replace("level > 20", "level > 21")}
    assert not list(duplicates(change(before, edited)))
    assert not list(duplicates(change(before, {"a.py": CANONICAL, "c.py": COPY})))


def test_calling_it() -> None:
    """Calling the function that exists is what is wanted."""
    caller = "from wire import to_wire\n\n\ndef answer(message):\n    return json.dumps(to_wire(message))\n"
    before = {"web/wire.py": CANONICAL}
    assert not list(duplicates(change(before, before | {"web/ws.py": caller})))


def test_unreadable_neighbours() -> None:
    """Nobody can say that a function is new while a file of the tree cannot be read."""
    before = {"a.py": OTHER, "broken.py": "def ("}
    (finding,) = duplicates(change(before, before | {"b.py": CANONICAL}))
    assert (finding.truth, finding.evidence) == (Truth.UNPROVEN, ("broken.py",))
    assert not list(duplicates(change(before, before | {"c.py": "LIMIT = 3\n"})))


def test_tests_are_no_originals() -> None:
    """What a test defines may be what the product needs: only the product is searched."""
    before = {"tests/helper.py": CANONICAL}
    assert not list(duplicates(change(before, before | {"web/wire.py": COPY})))


def test_unrelated_functions() -> None:
    """Functions of unrelated modules of the standard library are not taken for copies of one another."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    names = (
        "argparse",
        "csv",
        "difflib",
        "zipfile",
        "smtplib",
        "shlex",
        "textwrap",
        "calendar",
        "tarfile",
        "configparser",
    )
    tree = {f"{name}.py": (folder / f"{name}.py").read_text("utf-8") for name in names}
    host = {path: text for path, text in tree.items() if path not in ("smtplib.py", "calendar.py", "tarfile.py")}
    crossing = [
        finding
        for finding in duplicates(change(host, tree))
        if finding.evidence[0].split(":")[0] != finding.evidence[1].split(":")[0]
    ]
    assert crossing == []


NAMES = st.sampled_from(["a", "other", "value_2", "zz", "payload", "element"])


@given(st.permutations(["value", "depth", "key", "item"]), NAMES)
def test_names_do_not_count(names: list[str], function: str) -> None:
    """However a function and its variables are called, its shape is the same."""
    tree = ast.parse(CANONICAL)
    renamed = dict(zip(["value", "depth", "key", "item"], [f"{name}_x" for name in names], strict=True))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = renamed.get(node.id, function if node.id == "to_wire" else node.id)
        elif isinstance(node, ast.arg):
            node.arg = renamed.get(node.arg, node.arg)
        elif isinstance(node, ast.FunctionDef):
            node.name = function
    assert only(ast.unparse(tree)).features == only(CANONICAL).features


@given(st.lists(st.sampled_from([CANONICAL, OTHER, *EDITS.values()]), min_size=2, max_size=4))
def test_symmetry(texts: list[str]) -> None:
    """Two functions are as alike one way round as the other, and each is like itself."""
    functions = [only(text) for text in texts]
    index = Index(functions)
    one, other = functions[0], functions[-1]
    assert index.compare(one, other).dice == pytest.approx(index.compare(other, one).dice)
    assert index.compare(one, one).dice == pytest.approx(1)
