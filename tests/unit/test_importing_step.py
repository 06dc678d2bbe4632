"""A bundle out of foreign files, and what can be done with it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.unit.foreign_files import TRACE, as_array, as_lines, entry, request
from untilgreen.cli import app
from untilgreen.collect.bundle import load
from untilgreen.errors import ConfigError, EvidenceIncomplete
from untilgreen.importing.step import Repository, bring_in, guessed
from untilgreen.model.analysis import Decision
from untilgreen.model.claims import RegressedBy
from untilgreen.model.evidence import Case, Commit, Entry, Request, SourceFile
from untilgreen.redaction import Redactor
from untilgreen.review.gate import review
from untilgreen.testing import FakeHistory
from untilgreen.triage.step import triage

GOOD = {"backend/app.py": "def get(agents, name):\n    return agents.get(name)\n", "README.md": "# hi\n"}
BAD = {**GOOD, "backend/app.py": "def get(agents, name):\n    return agents[name]\n"}
TRACEBACK = """request failed
Traceback (most recent call last):
  File "/srv/app.py", line 2, in get
    return agents[name]
KeyError: 'ada'"""
JUNIT = f"""<testsuite tests="2"><testcase classname="e2e.test_it" name="test_ok"/>
<testcase classname="e2e.test_it" name="test_get"><failure message="AssertionError: assert 500 == 200">
&gt;       assert answer.status == 200
E       assert 500 == 200

e2e/test_it.py:9: AssertionError</failure><properties><property name="trace" value="{TRACE}"/></properties></testcase>
</testsuite>"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Write a report of one failing test, and the log of its trace."""
    report = tmp_path / "junit.xml"
    report.write_text(JUNIT)
    records = [entry(2, textPayload=TRACEBACK, severity="ERROR"), request(1)]
    return report, as_array(tmp_path / "log.json", records)


def test_a_cause_out_of_foreign_files(files: tuple[Path, Path], tmp_path: Path) -> None:
    """A report, a log and a repository are enough for a chain that ends at the change, and for its review."""
    history = FakeHistory(("first", GOOD), ("second", BAD))
    good = history.log(history.head, 2)[1].sha
    bundle, imported = bring_in([files[0]], [files[1]], Repository(history, history.head, good, {}), Redactor())
    bundle.save(tmp_path / "b")
    opened = load(tmp_path / "b")
    (analysis,) = triage(opened).analyses
    assert isinstance(analysis.leaf.claim, RegressedBy)
    assert analysis.leaf.claim.path == "backend/app.py"
    assert review(analysis, opened).decision is Decision.APPROVED
    assert imported.manifest.revisions == {"backend": "backend-00002-abc"}
    assert imported.manifest.urls == {"backend": "https://backend.example.run.app"}


def test_what_is_not_there_is_a_gap(files: tuple[Path, Path]) -> None:
    """Each sort of evidence that was not imported has a record that says so, and no absence can be cited."""
    bundle, _ = bring_in([files[0]], [], None, Redactor())
    gaps = {c.kind: c.gap for c in bundle.manifest.coverage}
    assert gaps.pop("case") == ""
    assert set(gaps) == {
        "entry",
        "request",
        "commit",
        "hunk",
        "blame",
        "file",
        "revision",
        "secret",
        "image",
        "gate",
        "health",
        "health_span",
        "usage",
    }
    assert all(gaps.values())
    assert bundle.covers(Entry, "backend") is None
    assert bundle.covers(Request, "backend") is None
    assert bundle.covers(Commit, "*") is None


def test_imported_logs_show_no_absence(files: tuple[Path, Path]) -> None:
    """What the query of an export left out is not known, so its silence shows nothing."""
    bundle, _ = bring_in([], [files[1]], None, Redactor())
    assert bundle.find(Entry, service="backend")
    assert bundle.covers(Entry, "backend") is None


def test_nothing_to_import() -> None:
    """Without any file there is nothing to do, and it is said."""
    with pytest.raises(ConfigError):
        bring_in([], [], None, Redactor())


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A file that does not exist is an error, not an empty one."""
    with pytest.raises(ConfigError, match="no such file"):
        bring_in([], [tmp_path / "no.json"], None, Redactor())


def test_a_file_without_any_evidence(tmp_path: Path) -> None:
    """A file of which nothing can be kept is refused with a count and the reason."""
    file = as_lines(tmp_path / "log", [{"raw": "ERROR"}, {"raw": "ERROR"}])
    with pytest.raises(EvidenceIncomplete, match="2 x no evidence: without insertId and logName and resource labels"):
        bring_in([], [file], None, Redactor())


def test_build_contexts_are_guessed_from_folders() -> None:
    """A service's source is the shallowest folder of its name; without one the whole repository."""
    paths = ["x/backend/a.py", "services/auth/a.py", "backend/a.py"]
    assert guessed(["backend", "auth", "web"], paths) == {"backend": "backend", "auth": "services/auth", "web": "."}


def test_named_contexts_win() -> None:
    """Who names a service's folder is believed."""
    history = FakeHistory(("first", GOOD))
    repository = Repository(history, history.head, "", {"web": "backend"})
    bundle, imported = bring_in([], [], repository, Redactor())
    assert [f.path for f in bundle.find(SourceFile, service="web")] == ["backend/app.py"]
    assert imported.manifest.sources == {"web": "backend"}


def test_the_command(files: tuple[Path, Path], tmp_path: Path) -> None:
    """`import` writes a bundle that triage and explain read, and prints the account of each file."""
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "app.py").write_text("a = 1\n")
    git = [shutil.which("git") or "git", "-C", repo, "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    arguments = ["--tests", str(files[0]), "--log", str(files[1]), "--repo", str(repo), "--into", str(tmp_path / "e")]
    done = CliRunner().invoke(app, ["import", *arguments])
    assert done.exit_code == 0, done.output
    assert f"{files[1]}: read 2, kept 2, refused 0" in done.output
    found = json.loads(CliRunner().invoke(app, ["triage", str(tmp_path / "e"), "--json"]).output)
    assert [len(group["cases"]) for group in found["groups"]] == [1]
    told = CliRunner().invoke(app, ["explain", "test_get", "--bundle", str(tmp_path / "e")])
    assert "KeyError" in told.output
    assert len(load(tmp_path / "e").find(Case)) == 2


def test_a_folder_that_holds_something(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Nothing that is there is written over."""
    done = CliRunner().invoke(app, ["import", "--tests", str(files[0]), "--into", str(tmp_path)])
    assert isinstance(done.exception, ConfigError)


@pytest.mark.parametrize("arguments", [["--good", "v1"], ["--source", "a=b"]])
def test_options_that_need_a_repository(files: tuple[Path, Path], tmp_path: Path, arguments: list[str]) -> None:
    """Options about a repository without one are an error."""
    command = ["import", "--tests", str(files[0]), "--into", str(tmp_path / "e"), *arguments]
    assert isinstance(CliRunner().invoke(app, command).exception, ConfigError)
