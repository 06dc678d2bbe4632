"""Rows of the field whose step is the fix gate and whose remedy is one home for each thing."""

from __future__ import annotations

from untilgreen.model.analysis import Fix
from untilgreen.review.fixes.canon import keeps_to_the_registry
from untilgreen.review.fixes.change import Change
from untilgreen.settings import FILE, parse

YAML = """services: {web: {source: web, image: r/web}}
ssot: {canonical: {web/wire.py:safe: {replaces: [json.dumps]}}}
"""
SITE = "import json\n\n\ndef {0}(ws, talk):\n    ws.send_str(json.dumps({{'type': '{0}', 'state': talk.state}}))\n"
TREE = {
    FILE: YAML,
    "web/wire.py": "import json\n\n\ndef safe(value):\n    return json.dumps(value, default=str)\n",
    **{f"web/{name}.py": SITE.format(name) for name in ("accept", "refuse", "status")},
}
MENDS = {
    "through the home": TREE["web/accept.py"]
    .replace("import json", "from wire import safe")
    .replace("json.dumps", "safe"),
    "around it": TREE["web/accept.py"].replace("talk.state", "talk.state.value"),
}


def test_all_siblings_at_once() -> None:
    """C09: whichever way one of three places is mended, the other two are named, with file and line."""
    for text in MENDS.values():
        fix = Fix(id="f", author="a", title="t", analysis="", breaks="", diff="")
        change = Change(fix, None, TREE, {**TREE, "web/accept.py": text}, parse(YAML))
        (finding,) = [found for found in keeps_to_the_registry(change) if found.truth != "supported"]
        assert finding.rule == "fix.class"
        assert "fix these 2 too: web/refuse.py:5, web/status.py:5" in finding.message
