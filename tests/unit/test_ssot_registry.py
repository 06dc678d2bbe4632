"""A registry points at what exists, and says where it does not."""

from __future__ import annotations

import pytest

from untilgreen.errors import ConfigError
from untilgreen.settings import FILE, parse
from untilgreen.ssot.modules import Code
from untilgreen.ssot.registry import declared, usable

SERVICES = "services: {web: {source: web, image: r/web}}\n"
TREE = {
    "web/wire.py": "import json\n\nLIMIT = 512\n\n\ndef safe_dumps(value):\n"
    "    return json.dumps(value, default=str)\n",
    "web/ws.py": "import os\n\nURL = os.environ['AUTH_URL']\n\n\ndef go(ws, m):\n    ws.send_json(m)\n",
    "web/broken.py": "def (\n",
}
GOOD = """ssot:
  canonical:
    web/wire.py:safe_dumps:
      replaces: [json.dumps, simplejson.dumps]
      sinks: [send_json, {call: print, arguments: [0, file]}]
  banned: {pickle.loads: use JSON, "eval": ""}
  constants: {LIMIT: web/wire.py}
  env: {AUTH_URL: [web/ws.py]}
"""


def problems(ssot: str, tree: dict[str, str] = TREE) -> str:
    """Return what is wrong with a registry; empty when nothing is."""
    texts = {**tree, FILE: SERVICES + ssot}
    try:
        usable(parse(texts[FILE]), texts, Code(tree))
    except ConfigError as error:
        return str(error)
    return ""


def test_good() -> None:
    """What exists is taken; what comes from outside the standard library is taken at its word."""
    assert problems(GOOD.replace(", {call: print, arguments: [0, file]}", "")) == ""
    assert problems("") == ""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("web/wire.py:safe_dumps", "web/wires.py:safe_dumps", f"{FILE}:4: there is no product file web/wires.py"),
        ("web/wire.py:safe_dumps", "web/wire.py:safe_dump", f"{FILE}:4: web/wire.py has no safe_dump."),
        ("web/wire.py:safe_dumps", "web/broken.py:f", f"{FILE}:4: web/broken.py is no Python"),
        ("web/wire.py:safe_dumps", "web.wire.safe_dumps", f"{FILE}:4: ssot.canonical.web.wire.safe_dumps"),
        ("json.dumps,", "json.dmps,", f"{FILE}:5: Python's standard library has no json.dmps"),
        ("simplejson.dumps", "web/old.py:f", f"{FILE}:5: there is no product file web/old.py"),
        ("send_json", "send_jsn", f"{FILE}:6: nothing here calls send_jsn"),
        ("pickle.loads", "pickle.loadz", f"{FILE}:7: Python's standard library has no pickle.loadz"),
        ("{LIMIT: web/wire.py}", "{LIMITS: web/wire.py}", f"{FILE}:8: web/wire.py has no LIMITS"),
        ("[web/ws.py]", "web/wire.py", f"{FILE}:9: web/wire.py does not read AUTH_URL"),
        ("[web/ws.py]", "web/settings.py", f"{FILE}:9: AUTH_URL: there is no web/settings.py"),
        ("replaces:", "replace:", f"{FILE}:5: ssot.canonical.web/wire.py:safe_dumps.replace: no such setting"),
    ],
)
def test_points_at_nothing(old: str, new: str, expected: str) -> None:
    """An entry that names nothing is an error with the line to mend."""
    text = GOOD.replace(", {call: print, arguments: [0, file]}", "")
    assert old in text
    assert problems(text.replace(old, new)).startswith(expected)


def test_a_file_of_its_own() -> None:
    """The registry may stand in another file: its lines are named, and it must be there."""
    tree = {**TREE, "ssot.yaml": "banned:\n  json.dumps: stop\n  json.dmps: stop\n"}
    assert problems("ssot: {file: ssot.yaml}\n", tree).startswith("ssot.yaml:3: Python's standard library has no")
    assert "which is not there" in problems("ssot: {file: other.yaml}\n", tree)
    assert "keep one of them" in problems("ssot: {file: ssot.yaml, banned: {eval: stop}}\n", tree)
    broken = {**tree, "ssot.yaml": "banned: [\n"}
    assert problems("ssot: {file: ssot.yaml}\n", broken).startswith("ssot.yaml:2: this is not YAML")


def test_short_forms() -> None:
    """A name alone is a sink with all its arguments, and one file alone is a home."""
    text = SERVICES + GOOD
    registry = declared(parse(text), {FILE: text}).registry
    first, second = registry.canonical["web/wire.py:safe_dumps"].sinks
    assert (first.call, first.arguments, second.arguments) == ("send_json", (), (0, "file"))
    assert registry.constants == {"LIMIT": ("web/wire.py",)}
