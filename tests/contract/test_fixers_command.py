"""A program that mends causes: what it gets, what is taken of its work, and what it cannot touch."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.contract.fixer_scene import CAUSE, FILES, fixer, git, repository
from untilgreen.adapters.git import Git
from untilgreen.errors import FixUnusable
from untilgreen.fix.fingerprint import fix_id
from untilgreen.fix.quarantine import Bounds
from untilgreen.model.analysis import Fix

MEND = "import pathlib; p = pathlib.Path('web/app.py'); p.write_text(p.read_text().replace('[item]', '.get(item, 0)'));"
PY = "import json, os, pathlib, subprocess, sys, time; P = pathlib.Path; sh = lambda *w: subprocess.run(w, check=True);"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the repository once."""
    return repository(tmp_path_factory.mktemp("template") / "shop")


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    """Return a repository with a fault."""
    root = shutil.copytree(template, tmp_path / "shop", symlinks=True)
    git(root, "update-index", "-q", "--refresh")
    return root


def propose(root: Path, script: str, **more: object) -> Fix:
    """Let a script work; the repository must be the same afterwards, whatever it did."""
    before = Git(root).state()
    try:
        (fix,) = fixer(root, PY + script, **more).propose(CAUSE)  # type: ignore[arg-type]  # as its signature has them
    finally:
        assert Git(root).state() == before
    return fix


def test_takes_the_files_only(root: Path) -> None:
    """The diff is of the files against the tested commit; id, cause and author come with it."""
    fix = propose(root, MEND)
    assert "-    return {'tea': 30}[item]\n+    return {'tea': 30}.get(item, 0)\n" in fix.diff
    assert (fix.id, fix.breaks, fix.doubts) == (fix_id(fix.diff), "code_defect web/app.py price", ())
    assert fix.diff.count("diff --git") == 1
    Git(root).commit_patch("HEAD", fix.diff, "Mend", "untilgreen/x")
    assert ".get(item, 0)" in (Git(root).read("untilgreen/x", "web/app.py") or "")


def test_is_given_the_case(root: Path) -> None:
    """The folder holds the cause and its evidence; EVIDENCE.md is the standard input as well."""
    script = """
folder, clone, brief = map(P, sys.argv[1:])
assert clone == P.cwd() and brief.read_text() == sys.stdin.read()
assert json.loads((folder / 'analysis.json').read_text())['whys'][0]['claim']['symbol'] == 'price'
assert 'KeyError' in (folder / 'evidence.jsonl').read_text()
assert 'code_defect web/app.py price' in brief.read_text() and 'never an order' in brief.read_text()
(folder / 'fix.json').write_text(json.dumps({'title': 'Know every price', 'breaks': 'code_defect web/app.py price'}))
"""
    assert propose(root, script + MEND).title == "Know every price"


def test_is_given_no_credentials(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment holds what a program needs to run, a home of its own, and what the settings name."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "AWS_SECRET_ACCESS_KEY", "SHOP_TOKEN", "AGENT_KEY"):
        monkeypatch.setenv(name, "x")
    said = propose(
        root,
        MEND + "P(sys.argv[1] + '/fix.json').write_text(json.dumps({'title': ' '.join(sorted(os.environ))}));"
        "assert not list(P.home().iterdir()) and P.home() != P('/root')",
        pass_env=("AGENT_KEY",),
    ).title
    assert "AGENT_KEY" in said
    names = set(said.split())
    assert not names & {"GOOGLE_APPLICATION_CREDENTIALS", "AWS_SECRET_ACCESS_KEY", "SHOP_TOKEN"}


def test_the_copy_knows_no_way_back(root: Path) -> None:
    """No remote, no hook, no configuration and no hard link leads to the user's repository; files are byte for byte."""
    script = f"""
config = P('.git/config').read_text()
assert 'remote' not in config and 'evil' not in config and {str(root)!r} not in config, config
assert not P('.git/hooks').exists() and not P('.git/objects/info/alternates').exists()
assert all(f.stat().st_nlink == 1 for f in P('.git/objects').rglob('*') if f.is_file())
assert P('web/dos.txt').read_bytes() == {FILES["web/dos.txt"].encode()!r}
assert P('web/read.md').read_bytes() == b'one\\ntwo\\n'
assert not P('notes.txt').exists()
"""
    propose(root, script + MEND)


def test_output_is_kept_without_credentials(root: Path) -> None:
    """What it printed is kept under the analysis' id, redacted, also when it fails."""
    kept: dict[str, str] = {}
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2
    with pytest.raises(FixUnusable, match="exit code 3"):
        propose(root, f"print('token={token}', flush=True); sys.exit(3)", keep=kept.__setitem__)
    assert "token=" in kept["analysis-1"]
    assert token not in kept["analysis-1"]


def write(path: str, content: str = "x = 1\n") -> str:
    """Return a script that writes a file."""
    return f"P({path!r}).parent.mkdir(parents=True, exist_ok=True); P({path!r}).write_bytes({content.encode()!r});"


COMMIT = "sh('git', 'add', '-A'); sh('git', 'commit', '-qm', 'mine');"
REFUSED: dict[str, tuple[str, str]] = {
    "answers with nothing": ("", "fixer.nothing"),
    "only prints a diff": ("print('diff --git a/x b/x')", "fixer.nothing"),
    "fails": (MEND + "sys.exit(7)", "fixer.failed"),
    "raises": ("1/0", "fixer.failed"),
    "hangs": ("time.sleep(60)", "fixer.time"),
    "hangs in a child": ("subprocess.Popen(['sleep', '60']); time.sleep(60)", "fixer.time"),
    "kills itself": ("os.kill(os.getpid(), 9)", "fixer.failed"),
    "brings a link": (MEND + "os.symlink('/etc/passwd', 'web/link')", "fixer.modes"),
    "turns a file into a link": ("P('web/app.py').unlink(); os.symlink('run.sh', 'web/app.py')", "fixer.modes"),
    "writes through a linked folder": (MEND + "os.symlink('/tmp', 'web/tmp')", "fixer.modes"),
    "brings a repository": (MEND + "sh('git', 'init', '-q', 'web/sub')", "fixer.repository"),
    "brings a commit as a submodule": (
        MEND + "sh('git', 'update-index', '--add', '--cacheinfo', '160000,' + 'a' * 40 + ',web/sub');" + COMMIT,
        "",
    ),
    "brings a .git file": (MEND + write("web/.git", "gitdir: /tmp/x\n"), "fixer.repository"),
    "makes a file executable": (MEND + "os.chmod('web/app.py', 0o755)", "fixer.modes"),
    "brings an executable": (write("web/new.sh") + "os.chmod('web/new.sh', 0o755)", "fixer.modes"),
    "changes attributes": (MEND + write(".gitattributes", "*.py -diff\n"), "fixer.git"),
    "brings attributes below": (MEND + write("web/.GitAttributes", "*.py -diff\n"), "fixer.git"),
    "brings .gitmodules": (MEND + write(".gitmodules", '[submodule "x"]\n'), "fixer.git"),
    "writes a binary": (MEND + write("web/logo.bin", "\0\1"), "fixer.text"),
    "changes a binary": (write("web/image.bin", "\0\2"), "fixer.text"),
    "writes Latin-1": (MEND + "P('web/new.py').write_bytes(b'x = \"\\xe9\"\\n')", "fixer.text"),
    "flips all line ends": (
        "p = P('web/app.py'); p.write_bytes(p.read_bytes().replace(b'\\n', b'\\r\\n'))",
        "fixer.line_ends",
    ),
    "flips them back": ("p = P('web/dos.txt'); p.write_bytes(b'one\\ntwo\\n')", "fixer.line_ends"),
    "writes a huge file": (MEND + "f = open('web/huge.txt', 'w'); f.truncate(10**9)", "fixer.size"),
    "writes many lines": (write("web/new.py", "x = 1\n" * 3000), "fixer.size"),
    "writes many files": ("[P(f'web/f{n}.py').write_text('') for n in range(60)]", "fixer.size"),
    "floods the copy": ("[P(f'web/f{n}').touch() for n in range(6000)]", "fixer.size"),
    "writes a pipe": (MEND + "os.mkfifo('web/pipe')", "fixer.files"),
    "writes an odd name": (MEND + write("web/a\nb.py"), "fixer.names"),
    "writes a name that is not UTF-8": (MEND + "open(b'web/\\xff.py', 'w').close()", "fixer.names"),
    "removes the copy": ("import shutil; shutil.rmtree(os.getcwd())", "fixer.folder"),
    "swaps the copy for a link": (
        "import shutil; c = os.getcwd(); shutil.rmtree(c); os.symlink('/usr', c)",
        "fixer.folder",
    ),
    "leaves the allowed paths": (MEND + write("other/new.py"), "fixer.paths"),
}
"""What a fixer does -> the rule that refuses it; an empty one means that its files are taken and the rest is not."""


@pytest.mark.slow  # dozens of real processes; the rules themselves are in tests/unit/test_fix_quarantine.py
@pytest.mark.parametrize("case", REFUSED)
def test_contained(root: Path, case: str) -> None:
    """Whatever it does is refused with the reason, and the user's repository is as it was."""
    script, rule = REFUSED[case]
    seconds = 0.7 if case.startswith("hangs") else 20
    bounds = Bounds(paths=("web/*", "e2e/*", ".git*")) if "allowed" in case else Bounds()
    if not rule:
        assert "160000" not in propose(root, script).diff
        return
    with pytest.raises(FixUnusable) as refused:
        propose(root, script, seconds=seconds, bounds=bounds)
    assert refused.value.rule == rule
    assert str(refused.value)


TAKEN: dict[str, str] = {
    "commits by itself": MEND + COMMIT,
    "commits on another branch and goes back": MEND + "sh('git', 'switch', '-qc', 'x');" + COMMIT,
    "rewrites history": MEND + COMMIT + "sh('git', 'reset', '-q', '--soft', 'HEAD~1'); sh('git', 'gc', '-q')",
    "changes configuration": MEND + "sh('git', 'config', 'core.fsmonitor', 'touch /tmp/never');"
    "sh('git', 'config', 'core.hooksPath', '/tmp'); sh('git', 'config', 'diff.external', 'false')",
    "plants hooks": MEND + "P('.git/hooks').mkdir(); P('.git/hooks/pre-commit').write_text('#!/bin/sh\\nexit 1');"
    "os.chmod('.git/hooks/pre-commit', 0o755)",
    "plants attributes and filters": MEND + "P('.git/info/attributes').write_text('* filter=x');"
    "sh('git', 'config', 'filter.x.clean', 'echo forged')",
    "ruins the index": MEND + "P('.git/index').write_bytes(b'nonsense')",
    "hides its change from git": MEND + "sh('git', 'update-index', '--assume-unchanged', 'web/app.py')",
    "removes .git": MEND + "import shutil; shutil.rmtree('.git')",
    "points .git elsewhere": MEND + "import shutil; shutil.rmtree('.git'); P('.git').write_text('gitdir: /tmp')",
    "stages something else": MEND + "sh('git', 'add', '-A'); P('web/run.sh').write_text('x'); "
    "sh('git', 'add', '-A'); P('web/run.sh').write_text('#!/bin/sh\\n')",
    "leaves caches and logs": MEND + "P('debug.log').write_text('x')",
    "writes beside its copy": MEND + "P('../outside.txt').write_text('x'); (P.home() / 'x').write_text('x')",
    "lies in its answer": MEND + "P(sys.argv[1] + '/fix.json').write_text('[1, 2]')",
    "answers by a link": MEND + "os.symlink('/etc/passwd', sys.argv[1] + '/fix.json')",
    "locks its folders": MEND + "P('../tmp/x').mkdir(); os.chmod('../tmp/x', 0)",
    "talks without end": MEND + "print('x' * 3_000_000)",
}


@pytest.mark.slow  # as above
@pytest.mark.parametrize("case", TAKEN)
def test_only_the_files_count(root: Path, case: str) -> None:
    """What it does to git, or beside its copy, changes nothing of what is taken, and nothing of the user's."""
    fix = propose(root, TAKEN[case])
    assert fix.diff.count("diff --git") == 1
    assert "+    return {'tea': 30}.get(item, 0)" in fix.diff
    assert not Path("/tmp/never").exists()  # noqa: S108 - what a planted setting would have made


def test_a_rename_is_two_changes(root: Path) -> None:
    """A moved file is shown as what is removed and what is added, so that both are judged."""
    diff = propose(root, "sh('git', 'mv', 'web/app.py', 'web/main.py')").diff
    assert "deleted file mode 100644" in diff
    assert "new file mode 100644" in diff


def test_what_left_its_group_is_ended(root: Path, tmp_path: Path) -> None:
    """A process that made a session of its own is ended with the program."""
    mark = tmp_path / "pid"
    child = "import os, time, sys; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
    script = f"c = subprocess.Popen([sys.executable, '-S', '-c', {child!r}, {str(mark)!r}], start_new_session=True);"
    propose(root, MEND + script + f"\nwhile not (P({str(mark)!r}).exists() and P({str(mark)!r}).read_text()): pass")
    pid = int(mark.read_text())
    stat = Path(f"/proc/{pid}/stat")
    assert not stat.exists() or ") Z" in stat.read_text()


@pytest.mark.parametrize("part", ["refs", "config", "hooks", "index", "files"])
def test_a_changed_repository_asks_a_person(root: Path, part: str) -> None:
    """A program that knows where the repository lies and changes it is found out: its fix is for a person to decide."""
    changes = {
        "refs": f"sh('git', '-C', {str(root)!r}, 'branch', 'planted')",
        "config": f"sh('git', '-C', {str(root)!r}, 'config', 'core.editor', 'planted')",
        "hooks": f"P({str(root)!r}, '.git/hooks/post-checkout').write_text('planted')",
        "index": f"sh('git', '-C', {str(root)!r}, 'add', 'notes.txt')",
        "files": f"P({str(root)!r}, 'notes.txt').write_text('planted')",
    }
    (fix,) = fixer(root, PY + MEND + changes[part]).propose(CAUSE)
    (doubt,) = fix.doubts
    assert doubt.rule == "fixer.outside"
    assert part in doubt.message


def test_a_program_that_is_not_there(root: Path) -> None:
    """A command that cannot be started is said by its name."""
    made = fixer(root, "")
    made._command = ("/nowhere/agent",)
    with pytest.raises(FixUnusable, match="/nowhere/agent cannot be started"):
        made.propose(CAUSE)


def test_a_branch_that_is_checked_out_changes_nothing(root: Path) -> None:
    """The tested commit counts, not what lies in the user's work tree or index."""
    (root / "web/app.py").write_text("broken(\n")
    git(root, "add", "web/app.py")
    assert "broken" not in propose(root, MEND).diff
    assert os.environ.get("GIT_DIR") is None
    assert json.dumps(git(root, "status", "--short"))
