"""A fix keeps to the declared registry, and mends the class, not the spot."""

from __future__ import annotations

import pytest

from tests.unit.review_scene import chain
from untilgreen.model.analysis import Finding, Fix, Truth
from untilgreen.model.claims import CodeDefect
from untilgreen.review.fixes.canon import keeps_to_the_registry
from untilgreen.review.fixes.change import Change
from untilgreen.settings import FILE, parse

YAML = """services: {web: {source: web, image: r/web}}
ssot:
  canonical:
    web/wire.py:safe: {replaces: [json.dumps], sinks: [send_json]}
  env: {AUTH_URL: web/settings.py}
"""
ONE = "import json\n\n\ndef one(ws, m):\n    ws.send_json({'one': m.state})\n    return m\n"
TWO = "import json\n\n\ndef two(ws, m):\n    ws.send_json({'two': m.state})\n"
THREE = "import json\n\n\ndef three(bus, m):\n    bus.put(json.dumps(m))\n"
FOUR = "import json\n\n\ndef four(bus, m):\n    bus.put(json.dumps([m]))\n"
TREE = {
    FILE: YAML,
    "web/wire.py": "import json\n\n\ndef safe(value):\n    return json.dumps(value, default=str)\n",
    "web/settings.py": "import os\n\nAUTH_URL = os.environ['AUTH_URL']\n",
    "web/one.py": ONE,
    "web/two.py": TWO,
    "web/three.py": THREE,
    "web/four.py": FOUR,
    "e2e/test_it.py": "import json\n\n\ndef test_it(ws):\n    ws.send_json({'x': json.dumps(ws)})\n",
}


def judged(changes: dict[str, str | None], tree: dict[str, str] = TREE) -> list[Finding]:
    """Return what the rule says of a fix that changes these files; None removes one."""
    after = {path: text for path, text in {**tree, **changes}.items() if text is not None}
    fix = Fix(id="fix-1", author="a", title="t", analysis="analysis-1", breaks="", diff="")
    claim = CodeDefect(path="web/one.py", line=5, symbol="one")
    return list(keeps_to_the_registry(Change(fix, chain(claim), tree, after, parse(tree[FILE]))))


def rules(changes: dict[str, str | None], tree: dict[str, str] = TREE) -> list[tuple[str, Truth]]:
    """Return the rules that speak, and how surely."""
    return [(finding.rule, finding.truth) for finding in judged(changes, tree)]


SAFE_ONE = "from wire import safe\n\n\ndef one(ws, m):\n    ws.send_json(safe({'one': m.state}))\n    return m\n"
SAFE_TWO = "from wire import safe\n\n\ndef two(ws, m):\n    ws.send_json(safe({'two': m.state}))\n"


def test_what_was_there_before() -> None:
    """What deviates without the fix is not the fix's fault, wherever the fix moves it."""
    assert judged({"web/settings.py": TREE["web/settings.py"] + "X = 1\n"}) == []
    assert judged({"web/one.py": "# new\n" + ONE}) == []
    assert judged({"web/one.py": None, "web/uno.py": ONE}) == []
    assert judged({"e2e/test_it.py": "import json\n\nX = json.dumps(2)\n"}) == []


def test_the_class_not_the_spot() -> None:
    """A fix that mends one place of a class is told all others, with file and line."""
    (finding,) = judged({"web/one.py": SAFE_ONE})
    assert (finding.rule, finding.truth) == ("fix.class", Truth.UNPROVEN)
    assert finding.message == "mends 1 of 2 places that bypass web/wire.py:safe; fix these 1 too: web/two.py:5"
    assert finding.evidence == ("web/two.py:5",)
    assert judged({"web/one.py": SAFE_ONE, "web/two.py": SAFE_TWO}) == []
    three = THREE.replace("import json", "from wire import safe").replace("json.dumps", "safe")
    (finding,) = judged({"web/three.py": three})
    assert finding.evidence == ("web/four.py:5",)


def test_the_spot_alone() -> None:
    """A fix that works around the canonical function at one place is told so, with the siblings."""
    (finding,) = judged({"web/one.py": ONE.replace("m.state", "m.state.value")})
    assert (finding.rule, finding.truth) == ("fix.class", Truth.UNPROVEN)
    assert "must come from web/wire.py:safe; this fix changes the place and leaves that as it is" in finding.message
    assert finding.evidence == ("web/one.py:5", "web/two.py:5")


def test_removing_is_not_mending() -> None:
    """A fix that removes a place mends no class."""
    assert judged({"web/one.py": None}) == []


NEW = {
    "a sink": ("def five(ws, m):\n    ws.send_json(vars(m))\n", "fix.sink", Truth.REFUTED),
    "a sink of unknown origin": ("def five(ws, m):\n    ws.send_json(m.payload)\n", "fix.sink", Truth.UNPROVEN),
    "a primitive": ("import json\n\nX = json.dumps(1)\n", "fix.primitive", Truth.REFUTED),
    "a variable": ("import os\n\nX = os.getenv('AUTH_URL')\n", "fix.env", Truth.REFUTED),
}


@pytest.mark.parametrize("case", NEW)
def test_new_deviations(case: str) -> None:
    """What a fix brings against the registry is rejected where it is sure, and asked about where it is not."""
    text, rule, truth = NEW[case]
    assert rules({"web/five.py": text}) == [(rule, truth)]


def test_one_for_another() -> None:
    """A fix that mends one place and adds one elsewhere has added one."""
    assert ("fix.sink", Truth.REFUTED) in rules({"web/one.py": SAFE_ONE, "web/five.py": TWO.replace("two", "five")})


def test_the_registry_stays() -> None:
    """A fix may not take away what the registry names, nor change the registry's own file."""
    own = {
        **TREE,
        FILE: YAML.partition("ssot:")[0] + "ssot: {file: ssot.yaml}\n",
        "ssot.yaml": "banned: {eval: never}\n",
    }
    assert rules({"ssot.yaml": "{}\n"}, own) == [("fix.settings", Truth.REFUTED)]
    assert ("fix.registry", Truth.UNPROVEN) in rules({"web/wire.py": "X = 1\n"})


def test_a_registry_that_points_at_nothing() -> None:
    """While the registry names what does not exist, nothing is approved."""
    tree = {**TREE, FILE: YAML.replace("safe:", "save:")}
    (finding,) = judged({"web/one.py": SAFE_ONE}, tree)
    assert (finding.rule, finding.truth) == ("fix.registry", Truth.REFUTED)
    assert finding.message.startswith(f"{FILE}:4: web/wire.py has no save")


def test_files_nobody_can_read() -> None:
    """A file that is no Python is an error of the gate, never passed over."""
    tree = {**TREE, "web/broken.py": "def (\n"}
    (finding,) = judged({"web/settings.py": TREE["web/settings.py"] + "X = 1\n"}, tree)
    assert (finding.rule, finding.truth, finding.evidence) == ("fix.unread", Truth.UNPROVEN, ("web/broken.py:1",))


def test_nothing_declared() -> None:
    """Without a registry there is nothing to say."""
    tree = {**TREE, FILE: YAML.partition("ssot:")[0], "web/broken.py": "def (\n"}
    assert judged({"web/five.py": NEW["a primitive"][0]}, tree) == []
