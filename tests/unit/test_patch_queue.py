"""A folder of patches is a fixer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.review_scene import chain
from untilgreen.adapters.patch_queue import PatchQueue
from untilgreen.errors import ConfigError
from untilgreen.model.claims import CodeDefect, RegressedBy

DIFF = """diff --git a/web/ws.py b/web/ws.py
index 33de52b..77dd5c0 100644
--- a/web/ws.py
+++ b/web/ws.py
@@ -1,2 +1,2 @@
 import json
-x = 1
+x = 2
"""
HEAD = "Author: Ada\nTitle: Mend it\nBreaks: code_defect web/*.py send\n"
ANALYSIS = chain(CodeDefect(path="web/ws.py", line=2, symbol="send"), RegressedBy(commit="ab", path="web/ws.py"))


def write(folder: Path, **patches: str) -> Path:
    """Write patches; `a1` becomes 0001-a.patch."""
    for name, text in patches.items():
        (folder / f"000{name[1]}-{name[0]}.patch").write_text(text)
    return folder


def test_offers_in_order(tmp_path: Path) -> None:
    """Patches that break a why are offered in the order of their names, each with the why as it really is."""
    other = HEAD.replace("code_defect web/*.py send", "secret_missing *")
    write(tmp_path, b2=f"{HEAD}\n{DIFF}", a1=f"{HEAD.replace('Mend', 'Try')}\n{DIFF}", c3=f"{other}\n{DIFF}")
    fixes = PatchQueue(tmp_path).propose(ANALYSIS)
    assert [fix.title for fix in fixes] == ["Try it", "Mend it"]
    assert {fix.breaks for fix in fixes} == {"code_defect web/ws.py send"}
    assert fixes[0].diff == DIFF
    assert fixes[0].id == fixes[1].id


def test_several_globs(tmp_path: Path) -> None:
    """A patch may break several whys; the deepest that it names counts."""
    write(tmp_path, a1=f"{HEAD}Breaks: regressed_by *\n\n{DIFF}")
    (fix,) = PatchQueue(tmp_path).propose(ANALYSIS)
    assert fix.breaks == "regressed_by web/ws.py"


def test_last_line(tmp_path: Path) -> None:
    """A diff without a line end at its end gets one: git wants it."""
    write(tmp_path, a1=f"{HEAD}\n{DIFF.rstrip()}")
    assert PatchQueue(tmp_path).propose(ANALYSIS)[0].diff == DIFF


MALFORMED = {
    "unknown line": (f"{HEAD}Colour: red\n\n{DIFF}", ":4:"),
    "empty value": (f"Author:\n{HEAD}\n{DIFF}", ":1:"),
    "no author": (HEAD.split("\n", 1)[1] + f"\n{DIFF}", ":3:"),
    "no empty line": (f"{HEAD}{DIFF}", ":4:"),
    "no diff": (f"{HEAD}\nhello\n", ":5:"),
    "nothing after the head": (HEAD, ":5:"),
    "short hunk": (f"{HEAD}\n{DIFF.replace('@@ -1,2 +1,2 @@', '@@ -1,9 +1,9 @@')}", ":9:"),
    "no git diff": (f"{HEAD}\n{DIFF.split(chr(10), 2)[2]}", ":5:"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(tmp_path: Path, name: str) -> None:
    """A malformed patch is an error with its file, its line, and what to do."""
    text, line = MALFORMED[name]
    write(tmp_path, a1=text)
    with pytest.raises(ConfigError, match=r"0001-a\.patch:\d+: .+\. \w+") as error:
        PatchQueue(tmp_path)
    assert line in str(error.value)


def test_names_and_folders(tmp_path: Path) -> None:
    """A patch without its number, one that is no text, and a folder that is not there are errors."""
    with pytest.raises(ConfigError, match="no such folder"):
        PatchQueue(tmp_path / "nowhere")
    (tmp_path / "README.md").write_text("no patch")
    assert PatchQueue(tmp_path).propose(ANALYSIS) == ()
    (tmp_path / "0001-a.patch").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        PatchQueue(tmp_path)
    (tmp_path / "0001-a.patch").rename(tmp_path / "0001 a.patch")
    with pytest.raises(ConfigError, match="name it like"):
        PatchQueue(tmp_path)
