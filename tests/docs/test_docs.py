"""The documentation says what the program does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate import FOLDER, commands, pages, shortened
from tests.docs.markdown_blocks import blocks, missing
from untilgreen.settings import parse

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("deployments/*.md"),
        *ROOT.glob("examples/*/*.md"),
    )
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """Return the headings of a page as GitHub links to them."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_reference_is_current(name: str) -> None:
    """What is generated is what is committed; `scripts/docs` writes it again."""
    assert (FOLDER / name).read_text("utf-8") == pages()[name]


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str) -> None:
    """Each command has its help in the reference, and the help has an example that names it."""
    text = (FOLDER / "cli.md").read_text("utf-8")
    own = text.partition(f"\n## {command}\n")[2].partition("\n## ")[0]
    assert f"Usage: untilgreen {command}" in own
    assert f"Example: untilgreen {command}" in own
    assert "--json" in own


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_between_pages_resolve(page: Path) -> None:
    """A link without a scheme leads to a file of this repository, and its anchor to a heading there."""
    broken = []
    for target in _LINK.findall(_FENCED.sub("", page.read_text("utf-8"))):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_and_scripts_that_pages_name_exist(page: Path) -> None:
    """`untilgreen X` names a command, and `scripts/x` a script."""
    spoken = re.findall(r"(?:`|^|\$ )untilgreen ([a-z]+)", page.read_text("utf-8"), re.MULTILINE)
    scripts = set(re.findall(r"\bscripts/([a-z]+)\b", page.read_text("utf-8")))
    assert set(spoken) <= {*commands(), "demo"}
    assert {name for name in scripts if not (ROOT / "scripts" / name).is_file()} == set()


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(b.language == "python" and "run" in b.words for b in blocks(page))],
    ids=named,
)
def test_python_that_is_marked_runs(page: Path, tmp_path: Path) -> None:
    """All Python blocks of a page that are marked run, in their order, in one fresh Python."""
    script = tmp_path / "page.py"
    script.write_text("\n".join(b.text for b in blocks(page) if b.language == "python" and "run" in b.words))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_settings_that_pages_show_can_be_used(page: Path) -> None:
    """A YAML block that holds services is a whole and valid untilgreen.yaml."""
    shown = [block.text for block in blocks(page) if block.language == "yaml" and "services:" in block.text]
    assert all(parse(text).services for text in shown)


def test_the_demo_in_the_readme_is_cut_openly() -> None:
    """What is left out of a demo's output is marked, once a gap, and nothing is reworded."""
    printed = "  1.0s prove   3 real\n  2.0s prove   still at it\n  2.1s build   x\n  3.0s triage  " + "y" * 200
    told, gap, cut = shortened(printed).splitlines()
    assert told == "  1.0s prove   3 real"
    assert gap == "..."
    assert printed.splitlines()[-1].startswith(cut.removesuffix("..."))
    assert cut.endswith("...")


def test_the_schema_explains_every_setting() -> None:
    """No key is without a description: an editor shows it, and the reference is made from it."""
    text = (FOLDER / "settings.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 30
    assert [row for row in rows if not row.split(" | ")[3].removesuffix(" |").strip()] == []


def test_expected_lines_are_found_in_order() -> None:
    """The test of the tutorial would notice a line that is not printed, or at another place."""
    assert missing("a...c\nd", "abc\nd") == []
    assert missing("d\nabc", "abc\nd") == ["abc"]
    assert missing("x", "abc") == ["x"]
