"""The demo's repository: its history, its faults, its fixes and its suite."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from pydantic import TypeAdapter

from untilgreen.fix.images import examined
from untilgreen.model.claims import Claim
from untilgreen.settings import Settings, parse
from untilgreen.testing import FakeChecker

EXAMPLE = Path(__file__).parents[2] / "examples" / "01-agents"

WS = "services/backend/ws.py"
CALLS = "services/{}/calls.py"
READER = "services/backend/settings.py"
CYCLES = (
    (
        "0002-accept-through-the-wire.patch",
        "0003-route-stop-and-cancel.patch",
        "0005-read-call-times-in-milliseconds.patch",
    ),
    ("0007-refuse-and-wait-for-slow-clients.patch",),
    ("0008-leave-out-what-is-no-number.patch",),
)
DUPLICATE = "0001-serialise-handshakes-in-place.patch"
UNBINDING = "0004-do-without-the-service-secret.patch"
IGNORING = "0006-refuse-and-tidy-the-context.patch"
REJECTED = {DUPLICATE, UNBINDING, IGNORING}


def _load(file: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


story = _load(EXAMPLE / "story.py", "agents_story")


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the repository as the demo builds it. Not to be changed."""
    target = tmp_path_factory.mktemp("red")
    story.build(target)
    return target


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository that a test may change."""
    story.build(tmp_path / "repository")
    return tmp_path / "repository"


def _files(repository: Path) -> dict[str, str]:
    names = story.git(repository, "ls-files").split("\n")[:-1]
    return {name: (repository / name).read_text("utf-8") for name in names}


def _apply(repository: Path, fix: str) -> None:
    story.git(repository, "apply", str(repository / "fixes" / fix))


def _applicable(repository: Path) -> set[str]:
    found = set()
    for patch in (repository / "fixes").iterdir():
        done = subprocess.run(["git", "apply", "--check", patch], cwd=repository, capture_output=True, check=False)  # noqa: S607 - fixed program
        if done.returncode == 0:
            found.add(patch.name)
    return found


def _settings(repository: Path) -> Settings:
    return parse((repository / "untilgreen.yaml").read_text("utf-8"))


def test_the_same_files_give_the_same_commits(red: Path, tmp_path: Path) -> None:
    """Building twice gives the same sha, whatever git's settings and the time are."""
    assert story.build(tmp_path) == story.git(red, "rev-parse", "HEAD").strip()


def test_without_the_faults_the_story_ends_in_the_examples_own_files(tmp_path: Path) -> None:
    """The good state is what newcomers see beside story.py, byte for byte."""
    story.build(tmp_path, without=story.FAULTS)
    built = _files(tmp_path)
    assert built
    assert built == {name: (EXAMPLE / name).read_text("utf-8") for name in built}
    assert {"services/auth/main.py", WS, "e2e/conftest.py", "untilgreen.yaml", "staging.yaml"} <= set(built)


def test_everything_that_is_copied_is_committed(red: Path) -> None:
    """No file of the demo stays outside of its history."""
    assert story.git(red, "status", "--porcelain", "--ignored") == ""


def test_the_faults_are_three_commits_that_touch_different_files(red: Path) -> None:
    """Each fault can be told from the others by the one file that its commit changes."""
    subjects = {step.patch: step.subject for step in story.STEPS if step.breaks}
    log = story.git(red, "log", "--name-only", "--format=%x00%s").split("\0")[1:]
    touched = {commit.split("\n")[0]: commit.split("\n")[2:-1] for commit in log}
    assert sorted(touched[subject][0] for subject in subjects.values()) == [
        CALLS.format("auth"),
        "services/backend/routes.py",
        WS,
    ]


def test_every_commit_is_whole(repository: Path) -> None:
    """In every commit all Python parses, and what a service imports from its own folder is there."""
    for commit in story.git(repository, "rev-list", "HEAD").split():
        story.git(repository, "checkout", "--quiet", commit)
        for file in repository.glob("services/*/*.py"):
            tree = ast.parse(file.read_text("utf-8"))
            wanted = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            ours = {f"{name}.py" for name in wanted} & {
                p.name for p in (EXAMPLE / "services" / file.parent.name).iterdir()
            }
            assert ours <= {p.name for p in file.parent.iterdir()}, f"{commit} {file}"


def test_fixes_apply_in_the_order_of_the_story_and_in_no_other(repository: Path) -> None:
    """What mends a fault in one cycle does not apply in an earlier one, nor once more in a later one."""
    assert _applicable(repository) - REJECTED == set(CYCLES[0])
    for cycle, following in zip(CYCLES, (*CYCLES[1:], ()), strict=True):
        for fix in reversed(cycle):
            _apply(repository, fix)
        assert _applicable(repository) - REJECTED == set(following)


def test_rejected_fixes_apply_before_those_that_are_taken(repository: Path) -> None:
    """Each is rejected for what it does, in the cycle of its cause, and stands before the one that is taken."""
    assert {DUPLICATE, UNBINDING} <= _applicable(repository)
    assert (CYCLES[0][0], CYCLES[0][2]) > (DUPLICATE, UNBINDING)
    for fix in CYCLES[0]:
        _apply(repository, fix)
    assert IGNORING in _applicable(repository)
    assert CYCLES[1][0] > IGNORING


def test_all_fixes_together_mend_every_fault(repository: Path) -> None:
    """After the last one nothing bypasses safe_dumps, and the routes are back."""
    for fix in (fix for cycle in CYCLES for fix in cycle):
        _apply(repository, fix)
    assert "json.dumps" not in (repository / WS).read_text("utf-8")
    routes = (repository / "services/backend/routes.py").read_text("utf-8")
    assert all(f'web.post("/api/agents/{{name}}/{verb}", api.{verb})' in routes for verb in ("start", "stop", "cancel"))


def test_auth_refuses_what_the_backend_signs_with_the_same_secret(repository: Path) -> None:
    """The services disagree although both have the secret: about the unit of a time, until its fix is applied."""
    backend = _load(repository / CALLS.format("backend"), "backend_calls")
    headers = backend.sign(b"body", "secret")
    auth = _load(repository / CALLS.format("auth"), "auth_calls")
    with pytest.raises(auth.CallRefused, match=r"^X-Call-Made is not within a minute of now$"):
        auth.verify(headers, b"body", "secret")
    _apply(repository, CYCLES[0][2])
    auth = _load(repository / CALLS.format("auth"), "auth_calls")
    auth.verify(headers, b"body", "secret")
    with pytest.raises(auth.CallRefused, match=r"^X-Call-Signature is not ours$"):
        auth.verify(headers, b"body", "another")


def test_only_stagings_own_data_keeps_the_backend_from_starting(repository: Path) -> None:
    """The fix of the second cycle works without a list of clients and with plain numbers, and not with staging's."""
    listed = _settings(repository).services["backend"].env["SLOW_CLIENTS"]
    for fix in (*CYCLES[0], *CYCLES[1]):
        _apply(repository, fix)
    reader = _load(repository / READER, "backend_settings")
    assert (reader.slowest("{}"), reader.slowest('{"tablet": 20}')) == (10, 20)
    with pytest.raises(ValueError, match="could not convert string to float: 'a minute'"):
        reader.slowest(listed)
    _apply(repository, CYCLES[2][0])
    assert _load(repository / READER, "backend_settings").slowest(listed) == 30


def test_the_image_gate_refuses_one_fix_and_no_commit(repository: Path) -> None:
    """Before and after the fixes that are taken every image can start; the one that tidies the context breaks one."""
    checker = FakeChecker()
    assert not [f for f in examined(repository, _settings(repository), checker) if f.blocking]
    for fix in CYCLES[0]:
        _apply(repository, fix)
    _apply(repository, IGNORING)
    (refused,) = [f for f in examined(repository, _settings(repository), checker) if f.blocking]
    assert refused.path == WS
    assert refused.exclusion
    assert (refused.exclusion.path, refused.exclusion.rule) == ("frames/__init__.py", "**/frames/")
    story.git(repository, "apply", "--reverse", str(repository / "fixes" / IGNORING))
    for fix in (*CYCLES[1], *CYCLES[2]):
        _apply(repository, fix)
        assert not [f for f in examined(repository, _settings(repository), checker) if f.blocking]


def test_most_send_sites_use_the_canonical_serialiser_and_two_do_not(red: Path) -> None:
    """The deviance that the demo is about: eight or more siblings use safe_dumps, the two in authenticate do not."""
    text = "".join((red / f"services/backend/{name}.py").read_text("utf-8") for name in ("ws", "topics"))
    assert text.count("send_str(safe_dumps(") >= 8
    assert text.count("send_str(json.dumps(") == 2


@pytest.mark.parametrize(
    ("fix", "why"),
    [
        (DUPLICATE, f"code_defect {WS} authenticate"),
        (CYCLES[0][0], f"code_defect {WS} authenticate"),
        (CYCLES[0][1], "endpoint_missing backend POST /api/agents/{}/cancel"),
        (UNBINDING, f"code_defect {CALLS.format('auth')} must_be_fresh"),
        (CYCLES[0][2], f"code_defect {CALLS.format('auth')} must_be_fresh"),
        (IGNORING, f"code_defect {WS} authenticate"),
        (CYCLES[1][0], f"code_defect {WS} authenticate"),
        (CYCLES[2][0], f"code_defect {READER} slowest"),
    ],
)
def test_a_fix_says_who_what_and_which_why_it_breaks(fix: str, why: str) -> None:
    """Its header names an author, a title, and a pattern that fits the cause."""
    header, blank, diff = (EXAMPLE / "fixes" / fix).read_text("utf-8").partition("\n\n")
    fields = [line.split(": ", 1) for line in header.split("\n")]
    assert [key for key, _ in fields][:3] == ["Author", "Title", "Breaks"]
    assert any(fnmatchcase(why, pattern) for key, pattern in fields if key == "Breaks")
    assert blank
    assert diff.startswith("diff --git a/")


def test_a_fix_can_be_left_out(tmp_path: Path) -> None:
    """A variation of the story needs nothing but a patch's name."""
    story.build(tmp_path, without=(DUPLICATE,))
    assert not (tmp_path / "fixes" / DUPLICATE).exists()
    assert (tmp_path / "fixes" / CYCLES[0][0]).exists()


def test_a_misspelt_patch_is_refused(tmp_path: Path) -> None:
    """Leaving out what does not exist is an error, and names what does."""
    with pytest.raises(ValueError, match=r"no patch named 0009-nothing\.patch; there are 0001-"):
        story.build(tmp_path, without=("0009-nothing.patch",))


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    """Nothing is written over."""
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(ValueError, match="is not empty"):
        story.build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_settings_are_valid_before_and_after(red: Path) -> None:
    """No fault is in the settings: both services are bound to the same secret, and say that they need it."""
    good, bad = _settings(EXAMPLE), _settings(red)
    assert bad == good
    assert {service.secrets["SERVICE_SECRET"] for service in bad.services.values()} == {"service-secret:1"}
    assert {service.needs for service in bad.services.values()} == {("SERVICE_SECRET",)}
    assert (bad.suite.minimum, bad.max_cycles, bad.approve.mode) == (1000, 5, "policy")


def test_no_commit_leaves_a_service_without_what_it_needs(repository: Path) -> None:
    """From the first settings on, whoever reads SERVICE_SECRET is bound to it and says so."""
    for commit in story.git(repository, "rev-list", "HEAD").split():
        story.git(repository, "checkout", "--quiet", commit)
        if not (repository / "untilgreen.yaml").exists():
            continue
        for service in _settings(repository).services.values():
            source = "".join(file.read_text("utf-8") for file in (repository / service.source).glob("*.py"))
            reads = 'os.environ["SERVICE_SECRET"]' in source
            assert reads == ("SERVICE_SECRET" in service.secrets) == ("SERVICE_SECRET" in service.needs), commit


def test_staging_holds_every_secret_that_is_bound() -> None:
    """The emulated project starts with them, readable for the accounts that need them."""
    seeds = yaml.safe_load((EXAMPLE / "staging.yaml").read_text("utf-8"))["secrets"]
    for service in _settings(EXAMPLE).services.values():
        for secret in service.secrets.values():
            assert service.account in seeds[secret.partition(":")[0]]["accessors"]


def test_recorded_analyses_claim_what_can_be_judged() -> None:
    """Each claim in the file is one of ours, and somebody is sure that the memory is too small."""
    analyses = json.loads((EXAMPLE / "recorded" / "analyses.json").read_text("utf-8"))
    claims = [TypeAdapter(Claim).validate_python(why["claim"]) for found in analyses for why in found["whys"]]
    assert {"author", "about", "whys", "confidence"} == set(analyses[0])
    assert claims[-1].subject == "backend memory"


def test_the_suite_has_exactly_a_thousand_tests(red: Path) -> None:
    """Pytest collects 1000 different tests, without an error or a warning."""
    command = [sys.executable, "-B", "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-W", "error"]
    done = subprocess.run(command, cwd=red, capture_output=True, text=True, check=False)
    ids = [line for line in done.stdout.split("\n") if "::" in line]
    assert done.returncode == 0, done.stdout
    assert len(ids) == len(set(ids)) == 1000
    assert all(nodeid.startswith("e2e/test_") for nodeid in ids)
