"""The port History, over git and over the fake."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.adapters.git import Git
from untilgreen.errors import FixUnusable, RepositoryError
from untilgreen.ports import History
from untilgreen.testing import FakeHistory
from untilgreen.testing.history import diff_of, patched

Trees = tuple[tuple[str, Mapping[str, str]], ...]
Make = Callable[..., History]

FIX = "--- a/app.py\n+++ b/app.py\n@@ -1,3 +1,3 @@\n a = 1\n-b = 2\n+b = 3\n c = 3\n"
FIRST = {"app.py": "a = 1\nb = 2\nc = 3\n", "docs/odd näme.md": "hi"}
SECOND = {"app.py": "a = 1\nb = 2\nc = 3\nd = 4\n", "new.py": "x\n"}


def shell(root: Path, *args: str) -> str:
    """Run git as the user would."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@shop.test", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *who, *args], cwd=root, env=env, check=True, capture_output=True, text=True)  # noqa: S607 - git is what is tested here
    return done.stdout.strip()


def git_repository(root: Path, trees: Trees) -> Git:
    """Make a repository of one line of commits."""
    shell(root, "init", "--quiet")
    for subject, files in trees:
        for path in shell(root, "ls-files", "-z").split("\0"):
            if path:
                (root / path).unlink()
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        shell(root, "add", "--all")
        shell(root, "commit", "--quiet", "--allow-empty", "--message", subject)
    return Git(root)


@pytest.fixture(params=["git", "fake"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Return what makes a repository of trees."""

    def made(*trees: tuple[str, Mapping[str, str]]) -> History:
        if request.param == "fake":
            return FakeHistory(*trees)
        root = tmp_path / "repository"
        root.mkdir()
        return git_repository(root, trees)

    return made


@pytest.fixture
def history(make: Make) -> History:
    """Return a repository of two commits."""
    return make(("first", FIRST), ("second", SECOND))


def test_names_become_shas(history: History) -> None:
    """A branch, a sha and the start of one all give the full sha."""
    sha = history.resolve("HEAD")
    assert sha == history.resolve("main") == history.resolve(sha) == history.resolve(sha[:12])
    assert len(sha) == 40


@pytest.mark.parametrize("name", ["nobody", "", "--all", "0" * 40, "HEAD~9"])
def test_unknown_names_are_errors(history: History, name: str) -> None:
    """What names no commit is a RepositoryError."""
    with pytest.raises(RepositoryError):
        history.resolve(name)


def test_files_and_texts(history: History) -> None:
    """A commit's files and texts are those of that commit, whatever their names."""
    first = history.log("HEAD", 9)[-1].sha
    assert history.files(first) == ("app.py", "docs/odd näme.md")
    assert history.read(first, "docs/odd näme.md") == "hi"
    assert history.read("HEAD", "docs/odd näme.md") is None
    assert history.read("HEAD", "docs") is None


def test_export(history: History, tmp_path: Path) -> None:
    """An export is the commit's files, and nothing else."""
    history.export("HEAD", tmp_path / "out")
    found = {p.relative_to(tmp_path / "out").as_posix(): p.read_text() for p in (tmp_path / "out").rglob("*.py")}
    assert found == SECOND


def test_log(history: History) -> None:
    """The log gives the newest commits first, each with its parent and changed files."""
    second, first = history.log("HEAD", 9)
    assert (second.subject, second.parent, first.parent) == ("second", first.sha, "")
    assert second.files == ("app.py", "docs/odd näme.md", "new.py")
    assert first.files == ("app.py", "docs/odd näme.md")
    assert [c.subject for c in history.log("HEAD", 1)] == ["second"]


def test_diff_has_no_context(history: History) -> None:
    """A diff shows changed lines only."""
    second, first = history.log("HEAD", 9)
    lines = history.diff(first.sha, second.sha).splitlines()
    assert "+d = 4" in lines
    assert "-hi" in lines
    assert not [line for line in lines if line.startswith(" ")]
    assert "+a = 1" in history.diff("", first.sha).splitlines()


def test_patch_becomes_a_commit_on_a_branch(history: History) -> None:
    """A patch becomes a commit that the branch names; its parent is the base, and nothing else moves."""
    base = history.resolve("HEAD")
    made = history.commit_patch(base, FIX, "fix: b\n\nBecause.", "untilgreen/loop")
    info = history.log(made, 1)[0]
    assert history.resolve("untilgreen/loop") == made
    assert (info.parent, info.subject, info.author, info.files) == (base, "fix: b", "untilgreen", ("app.py",))
    assert history.read(made, "app.py") == "a = 1\nb = 3\nc = 3\nd = 4\n"
    assert history.resolve("HEAD") == base


def test_patches_follow_one_another(history: History) -> None:
    """A second fix comes on top of the first, on the same branch."""
    first = history.commit_patch("HEAD", FIX, "one", "fixes")
    second = history.commit_patch(first, FIX.replace("+b = 3", "+b = 4").replace("-b = 2", "-b = 3"), "two", "fixes")
    assert history.log(second, 1)[0].parent == first
    assert history.resolve("fixes") == second


def test_patch_again_is_the_same_commit(history: History) -> None:
    """The same patch committed again is the commit that is already there."""
    made = {history.commit_patch("HEAD", FIX, "one", "fixes") for _ in range(2)}
    assert len(made) == 1


def test_patch_without_context(history: History) -> None:
    """What diff gives can be applied, though it has no context."""
    second, first = history.log("HEAD", 9)
    made = history.commit_patch(first.sha, history.diff(first.sha, second.sha), "again", "fixes")
    assert history.files(made) == history.files(second.sha)
    assert history.read(made, "app.py") == SECOND["app.py"]


@pytest.mark.parametrize(
    "diff",
    ["", "nonsense", FIX.replace("a = 1", "a = 9"), FIX.replace("app.py", "no.py"), FIX.replace("app.py", "../app.py")],
)
def test_patch_that_does_not_apply(history: History, diff: str, tmp_path: Path) -> None:
    """A diff that does not apply is a RepositoryError, and no branch comes of it."""
    with pytest.raises(RepositoryError):
        history.commit_patch("HEAD", diff, "x", "fixes")
    with pytest.raises(RepositoryError):
        history.resolve("fixes")
    history.export("HEAD", tmp_path / "out")
    with pytest.raises(RepositoryError):
        history.apply_to(tmp_path / "out", diff)


def test_apply_to_exported_files(history: History, tmp_path: Path) -> None:
    """A diff is applied to exported files, also inside another repository."""
    shell(tmp_path, "init", "--quiet")
    history.export("HEAD", tmp_path / "out")
    history.apply_to(tmp_path / "out", FIX)
    assert (tmp_path / "out/app.py").read_text() == "a = 1\nb = 3\nc = 3\nd = 4\n"


def test_files_without_last_line_end(make: Make) -> None:
    """A missing line end at the end of a file survives diff and patch."""
    history = make(("first", {"a.txt": "one\ntwo"}), ("second", {"a.txt": "one\ntwo\nthree"}))
    second, first = history.log("HEAD", 2)
    made = history.commit_patch(first.sha, history.diff(first.sha, second.sha), "again", "fixes")
    assert history.read(made, "a.txt") == "one\ntwo\nthree"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return the root of a git repository of two commits."""
    git_repository(tmp_path, (("first", FIRST), ("second", SECOND)))
    return tmp_path


def test_user_sees_nothing_of_a_commit(repository: Path) -> None:
    """Committing a fix leaves files, index, HEAD and FETCH_HEAD as the user had them."""
    (repository / "app.py").write_text("mine")
    (repository / "staged.py").write_text("mine too")
    shell(repository, "add", "staged.py")
    before = shell(repository, "status", "--porcelain"), shell(repository, "symbolic-ref", "HEAD")
    Git(repository).commit_patch("HEAD", FIX, "fix", "fixes")
    assert (shell(repository, "status", "--porcelain"), shell(repository, "symbolic-ref", "HEAD")) == before
    assert (repository / "app.py").read_text() == "mine"
    assert not (repository / ".git/FETCH_HEAD").exists()


def test_checked_out_branch_is_left_alone(repository: Path) -> None:
    """The branch that the user has checked out, in any worktree, is never moved."""
    shell(repository, "worktree", "add", "--quiet", "-b", "side", str(repository / "side"))
    for branch in ("main", "side"):
        with pytest.raises(RepositoryError, match=f"Branch {branch} is checked out"):
            Git(repository).commit_patch("HEAD", FIX, "fix", branch)


def test_branch_of_somebody_else_is_left_alone(repository: Path) -> None:
    """A branch with commits that untilgreen did not make is not moved away from them."""
    shell(repository, "branch", "theirs")
    with pytest.raises(RepositoryError, match=r"Branch theirs holds commits of ada@shop\.test"):
        Git(repository).commit_patch("HEAD~1", FIX, "fix", "theirs")


def test_own_branch_may_be_set_back(repository: Path) -> None:
    """A branch whose commits are all untilgreen's may begin again from another base."""
    git = Git(repository)
    git.commit_patch("HEAD", FIX, "one", "fixes")
    again = git.commit_patch("HEAD", FIX.replace("+b = 3", "+b = 4"), "two", "fixes")
    assert git.resolve("fixes") == again


def test_nothing_of_the_users_configuration_runs(repository: Path) -> None:
    """Hooks, external diffs, text conversions, filters and signing have no part in what is read or made."""
    trap = repository / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {repository}/sprung\nexit 1\n")
    trap.chmod(0o755)
    hooks = repository / ".git/hooks"
    for hook in ("post-checkout", "reference-transaction", "pre-commit", "post-commit", "post-merge"):
        (hooks / hook).write_text(trap.read_text())
        (hooks / hook).chmod(0o755)
    for key in ("diff.external", "diff.odd.textconv", "filter.odd.smudge", "filter.odd.clean", "gpg.program"):
        shell(repository, "config", key, str(trap))
    for key, value in (("commit.gpgsign", "true"), ("diff.noprefix", "true"), ("core.fsmonitor", str(trap))):
        shell(repository, "config", key, value)
    (repository / ".git/info").mkdir(exist_ok=True)
    (repository / ".git/info/attributes").write_text("* diff=odd filter=odd\n")
    git = Git(repository)
    git.export("HEAD", repository / "out")
    assert "--- a/app.py" in git.diff("HEAD~1", "HEAD")
    git.log("HEAD", 9)
    git.commit_patch("HEAD", FIX, "fix", "fixes")
    assert not (repository / "sprung").exists()


def test_export_is_byte_for_byte(repository: Path) -> None:
    """An export holds what was committed: export-ignore, export-subst and line-end rules change nothing."""
    (repository / ".gitattributes").write_text("app.py export-ignore\n*.txt export-subst text eol=crlf\n")
    (repository / "a.txt").write_bytes(b"$Format:%H$\n")
    (repository / "run.sh").write_bytes(b"#!/bin/sh\n")
    (repository / "run.sh").chmod(0o755)
    (repository / "link").symlink_to("a.txt")
    shell(repository, "add", "--all")
    shell(repository, "commit", "--quiet", "--message", "third")
    out = repository / "out"
    Git(repository).export("HEAD", out)
    assert (out / "a.txt").read_bytes() == b"$Format:%H$\n"
    assert (out / "app.py").exists()
    assert os.access(out / "run.sh", os.X_OK)
    assert (out / "link").is_symlink()


def test_export_refuses_a_full_folder(repository: Path) -> None:
    """Files of two commits never mix in one folder."""
    with pytest.raises(RepositoryError, match="not empty"):
        Git(repository).export("HEAD", repository)


def test_merges_name_only_their_own_changes(repository: Path) -> None:
    """A merge without conflicts changed nothing itself; the merged commits are listed one by one."""
    shell(repository, "checkout", "--quiet", "-b", "side", "HEAD~1")
    (repository / "side.py").write_text("s\n")
    shell(repository, "add", "--all")
    shell(repository, "commit", "--quiet", "--message", "on the side")
    shell(repository, "checkout", "--quiet", "main")
    shell(repository, "merge", "--quiet", "--message", "merge", "side")
    files = {info.subject: info.files for info in Git(repository).log("HEAD", 9)}
    assert files["merge"] == ()
    assert files["on the side"] == ("side.py",)


def test_odd_names(repository: Path) -> None:
    """Quotes, tabs and line feeds in names are names like any other."""
    names = ['a"b.txt', "tab\there.txt", "line\nfeed.txt", " lead.txt", "-dash.txt"]
    for name in names:
        (repository / name).write_text(name)
    shell(repository, "add", "--all")
    shell(repository, "commit", "--quiet", "--message", "odd")
    git = Git(repository)
    assert set(names) <= set(git.files("HEAD"))
    assert set(git.log("HEAD", 1)[0].files) == set(names)
    assert [git.read("HEAD", name) for name in names] == names


def test_folder_without_repository(tmp_path: Path) -> None:
    """A folder that is in no repository is a RepositoryError that says so."""
    with pytest.raises(RepositoryError, match="no git repository"):
        Git(tmp_path)


TEXTS = st.lists(st.sampled_from(["a", "b", "", " c", "-d", "+e", "\\ f"]), max_size=6).map("\n".join)
TREES = st.dictionaries(st.sampled_from(["x", "y/z"]), TEXTS, max_size=2)


@given(TREES, TREES)
def test_fake_diffs_can_be_applied(old: dict[str, str], new: dict[str, str]) -> None:
    """What the fake's diff shows between two trees makes the second of the first, empty files apart."""
    old, new = ({path: text for path, text in tree.items() if text} for tree in (old, new))
    if old != new:
        assert patched(old, diff_of(old, new)) == new


def test_blame_names_the_commit_that_last_changed_a_line(make: Make) -> None:
    """Each line is from the commit that last changed it, wherever it has moved since; what is not there is left out."""
    history = make(
        ("first", {"app.py": "a = 1\nb = 2\nc = 3\n"}),
        ("second", {"app.py": "# new\na = 1\nb = 4\nc = 3\n"}),
        ("third", {"app.py": "# new\na = 1\nb = 4\nc = 3\nd = 5\n"}),
    )
    third, second, first = history.log(history.resolve("HEAD"), 3)
    found = history.blame(third.sha, "app.py", [1, 2, 3, 5, 5, 0, 99])
    assert [(origin.line, origin.sha) for origin in found] == [
        (1, second.sha),
        (2, first.sha),
        (3, second.sha),
        (5, third.sha),
    ]
    assert (found[0].subject, found[0].at) == ("second", second.at)
    assert history.blame(first.sha, "app.py", [2])[0].sha == first.sha


def test_blame_of_a_file_that_is_not_there(make: Make) -> None:
    """A path that a commit does not have has no origin to tell."""
    history = make(("first", FIRST))
    with pytest.raises(RepositoryError):
        history.blame(history.resolve("HEAD"), "no.py", [1])


def test_blame_at_the_edge_of_a_cut_off_history(tmp_path: Path) -> None:
    """What a shallow clone gives as the origin of old lines is only its edge, and is left out."""
    (tmp_path / "whole").mkdir()
    git_repository(
        tmp_path / "whole", (("first", {"a": "1\n2\n"}), ("second", {"a": "1\n3\n"}), ("third", {"a": "1\n3\n4\n"}))
    )
    shell(tmp_path, "clone", "--quiet", "--depth=2", f"file://{tmp_path / 'whole'}", "cut")
    history = Git(tmp_path / "cut")
    assert [origin.line for origin in history.blame("HEAD", "a", [1, 2, 3])] == [3]


def test_contains(history: History) -> None:
    """A commit contains itself and what it comes from, not what comes after it; an unknown one is in none."""
    second, first = (info.sha for info in history.log("HEAD", 2))
    assert history.contains(second, first)
    assert history.contains(first, first)
    assert not history.contains(first, second)
    assert not history.contains(second, "f" * 40)


def test_clone_and_harvest(history: History, tmp_path: Path) -> None:
    """A copy holds the commit's files; what is changed in it comes back as modes, lines and a diff that applies."""
    copy = tmp_path / "copy"
    base = history.log("HEAD", 2)[1].sha
    history.clone(base, copy)
    assert history.harvest(base, copy).files == ()
    (copy / "app.py").write_text("a = 1\nb = 3\nc = 3\n")
    (copy / "more.py").write_text("x\r\n")
    (copy / "docs/odd näme.md").unlink()
    got = history.harvest(base, copy)
    seen = [(f.path, f.mode_before, f.mode_after, f.lines, f.line_ends) for f in got.files]
    assert seen == [
        ("app.py", "100644", "100644", 2, False),
        ("docs/odd näme.md", "100644", "", 1, False),
        ("more.py", "", "100644", 1, False),
    ]
    made = history.commit_patch(base, got.diff, "Take it over\n", "taken")
    assert (history.read(made, "app.py"), history.read(made, "more.py")) == ("a = 1\nb = 3\nc = 3\n", "x\r\n")
    assert history.read(made, "docs/odd näme.md") is None


def test_harvest_of_other_line_ends(history: History, tmp_path: Path) -> None:
    """A file whose line ends changed is told."""
    history.clone("HEAD", tmp_path / "copy")
    (tmp_path / "copy/app.py").write_bytes(b"a = 1\r\nb = 2\r\n")
    (found,) = history.harvest("HEAD", tmp_path / "copy").files
    assert found.line_ends


def test_harvest_of_a_copy_that_is_gone(history: History, tmp_path: Path) -> None:
    """Without a folder there is nothing to compare."""
    with pytest.raises(FixUnusable):
        history.harvest("HEAD", tmp_path / "nowhere")


def test_clone_refuses_a_full_folder(history: History, tmp_path: Path) -> None:
    """Files that lie there already are not mixed with the copy's."""
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/x").touch()
    with pytest.raises(RepositoryError):
        history.clone("HEAD", tmp_path / "copy")


def test_state_tells_refs(history: History, tmp_path: Path) -> None:
    """The state is the same while nobody changes anything, also across clones, and another after a commit."""
    before = history.state()
    history.clone("HEAD", tmp_path / "copy")
    assert history.state() == before
    history.commit_patch("HEAD", FIX, "Mend\n", "fix")
    after = history.state()
    assert {part for part in after if after[part] != before[part]} == {"refs"}
