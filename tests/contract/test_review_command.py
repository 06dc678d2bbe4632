"""`untilgreen review` over real repositories: any diff is judged, and nothing is changed."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.unit.lending import APP, TREE
from tests.unit.review_scene import bundle, chain, entry, quote
from untilgreen.cli import app
from untilgreen.model.claims import CodeDefect, ErrorRaised


def git(folder: Path, *words: str, given: bytes = b"") -> bytes:
    """Run git with an identity of its own."""
    identity = (
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.org",
        "-c",
        "core.autocrlf=false",
        "-c",
        "init.defaultBranch=main",
    )
    return subprocess.run(
        [shutil.which("git") or "git", "-C", str(folder), *identity, *words],
        input=given,
        capture_output=True,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with everything in it that a diff may stumble over."""
    root = tmp_path_factory.mktemp("lending")
    odd = {"web/crlf.txt": "one\r\ntwo\r\n", "web/a b'c.txt": "odd\n", "web/é.txt": "letters\n"}
    for path, text in {**TREE, **odd}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    (root / "web/latin.csv").write_bytes("caf\xe9\n".encode("latin-1"))
    (root / "web/out").symlink_to("/etc")
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Begin")
    return root


def made(repo: Path, path: str, content: bytes | None, *, mode: int = 0o644) -> bytes:
    """Return what `git diff` prints for a changed file, and put everything back."""
    file = repo / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    if content is not None:
        file.write_bytes(content)
        file.chmod(mode)
    git(repo, "add", "--all")
    diff = git(repo, "diff", "--cached", "--binary", "HEAD")
    git(repo, "reset", "--hard", "--quiet")
    return diff


def everything(folder: Path) -> str:
    """Return a digest of every file and link, git's own as well."""
    files = sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    lines = [
        f"{p.relative_to(folder)} {p.readlink() if p.is_symlink() else hashlib.sha256(p.read_bytes()).hexdigest()}"
        for p in files
    ]
    return "\n".join(lines)


def reviewed(repo: Path, diff: bytes, *more: str) -> tuple[int, set[str], str]:
    """Return the exit code, the rules that speak against a diff, and everything that was printed."""
    before = everything(repo)
    env = {"UNTILGREEN_HOME": str(repo.parent / "home")}
    done = CliRunner().invoke(app, ["review", "--fix", "-", "--repo", str(repo), "--json", *more], input=diff, env=env)
    assert everything(repo) == before
    if not done.stdout:
        return done.exit_code, set(), repr(done.exception)
    (judged,) = json.loads(done.stdout)["fixes"]
    rules = {finding["rule"].removeprefix("fix.") for finding in judged["findings"] if finding["truth"] != "supported"}
    return done.exit_code, rules, done.stdout


GOOD = APP.replace('order["name"]) for', 'order["reader"]) for').encode()

FILES: dict[str, tuple[str, bytes | None, int, set[str]]] = {
    "a fix": ("web/app.py", GOOD, 0, set()),
    "line ends of Windows": ("web/crlf.txt", b"one\r\n2\r\n", 0, set()),
    "a path with a space and a quote": ("web/a b'c.txt", b"even\n", 0, set()),
    "a path with other letters": ("web/\xe9.txt", b"more letters\n", 0, set()),
    "no line end": ("web/crlf.txt", b"one", 0, set()),
    "a name that nobody defines": ("web/app.py", APP.replace("late * rate", "late * rates").encode(), 5, {"undefined"}),
    "syntax": ("web/app.py", b"def (", 5, {"syntax", "image"}),
    "a file that is not UTF-8": ("web/latin.csv", "caf\xe9s\n".encode("latin-1"), 5, {"unreadable"}),
    "a binary": ("web/x.png", b"\x89PNG\0\0", 5, {"paths"}),
    "a test gone": ("e2e/test_lending.py", None, 6, {"tests", "test_deleted"}),
    "swallowing": ("web/new.py", b"try:\n    import json\nexcept Exception:\n    json = None\n", 6, {"except"}),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files(repo: Path, name: str) -> None:
    """A diff that git made is applied to a copy and judged; the repository stays as it is, byte for byte."""
    path, content, code, rules = FILES[name]
    found = reviewed(repo, made(repo, path, content))
    assert (found[0], found[1]) == (code, rules), found[2]


def test_what_was_read_is_kept_and_never_believed_when_damaged(repo: Path) -> None:
    """Sources that were read once are kept outside the repository; an entry that somebody changed is read again."""
    diff = made(repo, "web/app.py", APP.replace("late * rate", "late * rates").encode())
    first = reviewed(repo, diff)
    entries = [file for file in (repo.parent / "home/index").rglob("*") if file.is_file() and file.name != ".gitignore"]
    assert entries
    for file in entries:
        file.write_bytes(b"[]" + file.read_bytes())
    assert reviewed(repo, diff) == first


DIFFS: dict[str, tuple[bytes, set[str]]] = {
    "through a link": (b"--- a/web/out/passwd\n+++ b/web/out/passwd\n@@ -1 +1 @@\n-a\n+b\n", {"applies"}),
    "another base": (b"--- a/web/crlf.txt\n+++ b/web/crlf.txt\n@@ -1 +1 @@\n-zwei\n+b\n", {"applies"}),
    "no prefixes": (b"--- web/crlf.txt\n+++ web/crlf.txt\n@@ -1 +1 @@\n-one\n+b\n", {"applies"}),
    "a missing file": (b"--- a/web/none.txt\n+++ b/web/none.txt\n@@ -1 +1 @@\n-one\n+b\n", {"applies"}),
    "nothing": (b"", {"empty"}),
    "prose": (b"ship it\n", {"diff"}),
    "bytes": (b"\xff\xfe\n", {"unreadable"}),
    "out of it": (b"--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n", {"paths"}),
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFS)
def test_diffs(repo: Path, name: str) -> None:
    """What cannot be applied or read is rejected with a reason of its own."""
    diff, rules = DIFFS[name]
    code, found, said = reviewed(repo, diff)
    assert (code, found) == (5, rules), said


def test_without_settings(repo: Path, tmp_path: Path) -> None:
    """A repository without untilgreen.yaml is judged, too."""
    bare = tmp_path / "bare"
    git(tmp_path, "clone", "--quiet", str(repo), str(bare))
    git(bare, "rm", "--quiet", "untilgreen.yaml")
    git(bare, "commit", "--quiet", "--message", "Do without")
    assert reviewed(bare, made(bare, "web/app.py", GOOD))[0] == 0
    assert reviewed(bare, made(bare, "e2e/conftest.py", b"x = 1\n"))[0] == 6


def test_a_fix_for_a_cause(repo: Path, tmp_path: Path) -> None:
    """A fix beside an analysis must name a why that it breaks; evidence and diff are judged together."""
    log = entry("KeyError: 'reader'")
    causes = chain(
        ErrorRaised(service="web", exception="KeyError"),
        CodeDefect(path="web/app.py", line=28, symbol="lend"),
        cite={1: (quote(log),)},
    )
    file, folder = tmp_path / "causes.json", tmp_path / "bundle"
    file.write_text(f"[{causes.model_dump_json()}]")
    bundle(log).save(folder)
    fix = made(repo, "web/app.py", GOOD)
    assert reviewed(repo, fix, "--analysis", str(file))[:2] == (5, {"names"})
    assert reviewed(repo, fix, "--analysis", str(file), "--breaks", "code_defect web/app.py lend")[:2] == (0, set())
    assert reviewed(repo, fix, "--analysis", str(file), "--breaks", "code_defect web/auth.py x")[:2] == (5, {"names"})
    alone = CliRunner().invoke(app, ["review", str(folder), "--analysis", str(file), "--json"])
    judged = json.loads(alone.stdout)
    assert alone.exit_code == {"approved": 0, "rejected": 5, "needs_human": 6}[judged["decision"]]
    assert {finding["rule"] for finding in judged["reviews"][0]["findings"]} >= {
        "claim.error_raised",
        "claim.code_defect",
    }


WHY = '{"author": "a", "about": "zzz", "whys": [{"question": "", "answer": "", "claim": '

BROKEN: dict[str, tuple[str, str]] = {
    "no JSON": ("[", ":1:2: this is not JSON"),
    "nothing": ("[]", "it holds no analysis"),
    "no analysis": ('[{"id": "a"}]', "[0].author"),
    "an unknown claim": (WHY + '{"type": "bad_luck"}}]}', "whys[0].claim"),
    "nobody's test": (WHY + '{"type": "unknown", "missing": []}}]}', "no failing test"),
    "too deep": ("[" * 100_000, "nested too deeply"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_analyses_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    """What is no analysis is an error that says where, and never a verdict."""
    text, said = BROKEN[name]
    (tmp_path / "a.json").write_text(text)
    bundle(entry("x")).save(tmp_path / "bundle")
    done = CliRunner().invoke(app, ["review", str(tmp_path / "bundle"), "--analysis", str(tmp_path / "a.json")])
    assert done.exit_code not in (0, 5, 6)
    assert said in str(done.exception)


@pytest.mark.parametrize("words", [[], ["bundle"], ["--analysis", "a.json"], ["--fix", "none.diff"]])
def test_too_little(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that names nothing to judge, or nothing to judge it by, says what is missing."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["review", *words])
    assert done.exit_code not in (0, 5, 6)
    assert "--" in str(done.exception) or "path" in str(done.exception)
