"""A registry begins with what the code does already, and can be pasted as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from untilgreen.cli import app
from untilgreen.settings import FILE, parse
from untilgreen.settings.ssot import Registry
from untilgreen.ssot.modules import Code
from untilgreen.ssot.registry import usable
from untilgreen.ssot.suggest import Suggestion, as_yaml, suggest

SERVICES = "services: {web: {source: web, image: r/web}, auth: {source: auth, image: r/auth}}\n"
WS = """
from wire import safe


def one(ws, m):
    ws.send_json(safe(m))


def two(ws, m):
    text = safe(m)
    ws.send_json(text)


def three(ws, m):
    ws.send_json(safe([m]))
    ws.send_json({"raw": m})
    ws.send_json("ping")
"""
TREE = {
    "web/wire.py": "import json\n\n\ndef safe(value):\n    return json.dumps(value, default=str)\n",
    "web/ws.py": WS,
    "web/api.py": "import json\nimport os\n\nTTL_S = 3600\nURL = os.environ['AUTH_URL']\nX = json.dumps(URL)\n",
    "web/settings.py": "import os\n\nTTL_S = 3600\nMODE = 1\nA = os.environ['AUTH_URL']\nB = os.environ['MODE_X']\n",
    "web/other.py": "from settings import TTL_S\n\nMODE = 1\n",
    "auth/main.py": "import json\nimport os\n\nTTL_S = 3600\nA = os.environ['OTHER']\nB = json.dumps(A)\n",
}


def suggested(tree: dict[str, str] = TREE, known: str = "") -> dict[str, Suggestion]:
    settings = parse(SERVICES + known)
    return {one.entry: one for one in suggest(Code(tree), settings, settings.ssot)}


def test_what_is_suggested() -> None:
    """Each entry has what it would say, its numbers and its places, the home first."""
    found = suggested()
    assert list(found) == ["web/wire.py:safe", "TTL_S", "AUTH_URL"]
    safe = found["web/wire.py:safe"]
    assert safe.value == {"replaces": ("json.dumps",), "sinks": ("send_json",)}
    assert safe.reason == "3 of 4 arguments of send_json come from it; past it: web/ws.py:16"
    assert safe.evidence == ("web/wire.py:4", "web/ws.py:16", "web/ws.py:6", "web/ws.py:11", "web/ws.py:15")
    assert found["TTL_S"].value == ("web/settings.py", "auth/main.py")
    assert found["TTL_S"].evidence == ("web/settings.py:3", "web/api.py:4")
    assert found["AUTH_URL"].evidence == ("web/settings.py:5", "web/api.py:5")


def test_it_can_be_pasted() -> None:
    """The YAML is a valid registry that points at what exists."""
    text = SERVICES + as_yaml(tuple(suggested().values()))
    found = usable(parse(text), {FILE: text}, Code(TREE)).registry
    assert set(found.canonical) | set(found.constants) | set(found.env) == set(suggested())
    assert parse(SERVICES + as_yaml(())).ssot.empty


def test_what_is_declared_is_not_suggested() -> None:
    """What the registry has already is left out."""
    known = as_yaml(tuple(suggested().values()))
    assert suggested(known=known) == {}


def test_short() -> None:
    """However much there is, a person can read it: five entries of a sort, the strongest first."""
    tree = {f"web/m{n}.py": "".join(f"LIMIT_{k} = {100 + k}\n" for k in range(n, 20)) for n in range(20)}
    found = [one for one in suggested(tree).values() if one.sort == "constants"]
    assert [one.entry for one in found] == ["LIMIT_19", "LIMIT_18", "LIMIT_17", "LIMIT_16", "LIMIT_15"]


def test_names_with_two_meanings() -> None:
    """A name with two values stands for two things, and is no constant with one home."""
    assert "TTL_S" not in suggested({**TREE, "web/late.py": "TTL_S = 60\n"})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for path, text in {**TREE, FILE: SERVICES, "e2e/test_x.py": "import json\n\nX = json.dumps(1)\n"}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    return tmp_path


def told(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["ssot", *words])
    return done.exit_code, done.stdout


def test_the_command(repository: Path) -> None:
    """What `suggest` prints can be pasted; then `check` lists each place past it, and exits 1 while there is one."""
    code, text = told("suggest", "--repo", str(repository))
    assert code == 0
    (repository / FILE).write_text(SERVICES + text, "utf-8")
    code, text = told("check", "--repo", str(repository), "--json")
    places = [place["place"] for place in json.loads(text)["deviations"] if place["sure"]]
    assert (code, json.loads(text)["exit_code"]) == (1, 1)
    assert places == [
        "web/api.py:6",
        "web/api.py:4",
        "web/api.py:5",
        "web/ws.py:16",
    ]
    assert "score" not in text


def test_what_cannot_be_read(repository: Path) -> None:
    """A file that is no Python is told with its line, and nothing counts as checked: exit code 4."""
    (repository / FILE).write_text(f"{SERVICES}ssot: {{banned: {{eval: ''}}}}\n", "utf-8")
    assert told("check", "--repo", str(repository))[0] == 0
    (repository / "web/bad.py").write_bytes(b"x = '\xe9'\n")
    (repository / "web/worse.py").write_text("def (\n", "utf-8")
    code, text = told("check", "--repo", str(repository))
    assert code == 4
    assert "web/bad.py:1" in text
    assert "web/worse.py:1" in text


def test_the_empty_registry() -> None:
    """Nothing declared is an empty registry, and empty says so."""
    assert Registry().empty
