"""What really went wrong with fixes, reconstructed: each test is named after its row."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.contract.fixer_scene import CAUSE, fixer, git, repository
from tests.unit.test_fix_verdicts import BEFORE, cycle, group, judged, stands
from untilgreen.adapters.git import Git
from untilgreen.model.fix_verdict import Effect

COMMITS = """
import pathlib, subprocess
for number in range(30):
    pathlib.Path('web/app.py').write_text(f'def price(item):\\n    return {number}\\n')
    for words in (['add', '-A'], ['commit', '-qm', f'fix {number}', '--no-verify']):
        subprocess.run(['git', *words], check=True)
"""


def test_c02_a_fix_is_disproved_when_its_signature_returns() -> None:
    """C02: a fix that was accepted, because it passed once, is disproved when its signature is back on a later one."""
    first = judged(stands("import", "abc"), cycle(2), cycle(1, group("import", "abc")))
    assert first.effect is Effect.CONFIRMED
    again = cycle(3, group("import", "abc"))
    later = judged(stands("import", "abc", Effect.CONFIRMED), again, cycle(1, group("import", "abc")), cycle(2))
    assert later.effect is Effect.INEFFECTIVE
    assert "signature is back" in later.reason


def test_c02_what_passed_elsewhere_confirms_nothing() -> None:
    """C02: passes on a laptop, without a request on the deployed revision, confirm no fix."""
    assert judged(stands(), cycle(2), BEFORE, real="").effect is Effect.UNPROVEN
    assert judged(stands(), cycle(2), BEFORE, held=False).effect is Effect.UNPROVEN


@pytest.mark.slow  # thirty commits
def test_c42_thirty_commits_in_the_copy_are_one_change(tmp_path: Path) -> None:
    """C42: a fixer that commits thirty times changes nothing of the repository; its files are one diff."""
    root = repository(tmp_path / "shop")
    before, log = Git(root).state(), git(root, "log", "--all", "--format=%H")
    (fix,) = fixer(root, COMMITS).propose(CAUSE)
    assert (Git(root).state(), git(root, "log", "--all", "--format=%H")) == (before, log)
    assert "+    return 29" in fix.diff
    assert "return 28" not in fix.diff
    assert fix.doubts == ()


def test_c42_a_program_that_commits_to_the_repository_is_found_out(tmp_path: Path) -> None:
    """C42: what calls itself read-only and commits to the user's own repository does not stay unseen."""
    root = repository(tmp_path / "shop")
    shutil.rmtree(root / ".git/hooks")
    theirs = f"import subprocess; subprocess.run(['git', '-C', {str(root)!r}, 'commit', '-qam', 'x', '--allow-empty'])"
    (fix,) = fixer(root, f"open('web/app.py', 'a').write('x = 1\\n'); {theirs}").propose(CAUSE)
    assert "refs" in fix.doubts[0].message
