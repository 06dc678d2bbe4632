"""Every fixer keeps the same rules, whether it is a queue, a program, the built-in one, or a fake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.fixer_scene import CAUSE, EVIDENCE, FILES, fixer, repository
from tests.unit.review_scene import bundle, chain, revision
from untilgreen.adapters.git import Git
from untilgreen.adapters.patch_queue import PatchQueue
from untilgreen.fix.fingerprint import fix_id
from untilgreen.fix.settings_fixer import SettingsFixer
from untilgreen.model.analysis import Analysis
from untilgreen.model.claims import SecretMissing, Unknown
from untilgreen.model.delivery import SecretBinding
from untilgreen.ports import Fixer
from untilgreen.settings import FILE
from untilgreen.testing import FakeFixer
from untilgreen.testing.history import diff_of

MENDED = FILES["web/app.py"].replace("[item]", ".get(item, 0)")
DIFF = diff_of(FILES, FILES | {"web/app.py": MENDED})
LACK: Analysis = chain(SecretMissing(service="web", env="TOKEN"))


def queue(place: Path) -> Fixer:
    """Return a queue of one patch."""
    (place / "0001-mend.patch").write_text(f"Author: Ada\nTitle: Mend it\nBreaks: code_defect *\n\n{DIFF}")
    return PatchQueue(place)


def program(place: Path) -> Fixer:
    """Return a program."""
    return fixer(place / "shop", f"open('web/app.py', 'w').write({MENDED!r})")


def built_in(place: Path) -> Fixer:
    """Return the built-in fixer of settings, which knows a secret from the last good revision."""
    old = revision(current=False, secrets=(SecretBinding(env="TOKEN", secret="shop-token", version="3"),))
    return SettingsFixer(Git(place / "shop"), "HEAD", bundle(old, *EVIDENCE.items()))


def fake(_place: Path) -> Fixer:
    """Return the fake."""
    return FakeFixer({"code_defect web/app.py price": (DIFF,)})


MAKERS: dict[str, tuple[Callable[[Path], Fixer], Analysis, str]] = {
    "patch_queue": (queue, CAUSE, "web/app.py"),
    "command": (program, CAUSE, "web/app.py"),
    "settings": (built_in, LACK, FILE),
    "fake": (fake, CAUSE, "web/app.py"),
}


@pytest.fixture(params=MAKERS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Git, Fixer, Analysis, str]:
    """Return a repository, a fixer, a cause that it can mend, and the file that it changes for that."""
    root = repository(tmp_path / "shop")
    make, cause, path = MAKERS[request.param]
    return Git(root), make(tmp_path), cause, path


def test_names_a_why_of_the_analysis(made: tuple[Git, Fixer, Analysis, str]) -> None:
    """A fix is for the analysis that was asked about, and names a why that it has."""
    _, fixer, cause, _ = made
    (fix,) = fixer.propose(cause)
    assert fix.analysis == cause.id
    assert fix.breaks in {f"{why.claim.type} {why.claim.subject}" for why in cause.whys}
    assert fix.title
    assert fix.author


def test_applies_to_the_tested_commit(made: tuple[Git, Fixer, Analysis, str]) -> None:
    """The diff applies to the tested commit and changes what it says."""
    git, fixer, cause, path = made
    (fix,) = fixer.propose(cause)
    commit = git.commit_patch("HEAD", fix.diff, "Mend", "untilgreen/x")
    assert git.log(commit, 1)[0].files == (path,)


def test_has_the_same_id_again(made: tuple[Git, Fixer, Analysis, str]) -> None:
    """Asked again it offers the same fix under the same id, so that it is known when it was tried."""
    _, fixer, cause, _ = made
    first, again = fixer.propose(cause), fixer.propose(cause)
    assert [fix.id for fix in first] == [fix.id for fix in again] == [fix_id(fix.diff) for fix in first]


def test_changes_nothing_itself(made: tuple[Git, Fixer, Analysis, str]) -> None:
    """Proposing leaves the repository as it is."""
    git, fixer, cause, _ = made
    before = git.state()
    fixer.propose(cause)
    assert git.state() == before


@pytest.mark.parametrize("kind", ["patch_queue", "settings", "fake"])
def test_offers_nothing_for_a_cause_that_it_does_not_know(kind: str, tmp_path: Path) -> None:
    """A fixer that has nothing for a cause says so by an empty answer."""
    repository(tmp_path / "shop")
    assert MAKERS[kind][0](tmp_path).propose(chain(Unknown(missing=("a log",)))) == ()
