"""The doctor's rules: what is seen decides, and nothing unseen is ever a pass."""

from __future__ import annotations

import pytest

from untilgreen.doctor.facts import (
    ApiProblem,
    ApiSeen,
    BuildSeen,
    CloudSeen,
    CollectionSeen,
    ContextSeen,
    DiskSeen,
    EnvironmentSeen,
    Facts,
    GitSeen,
    InterpreterSeen,
    RepositorySeen,
    ServerSeen,
    SettingsSeen,
    Unseen,
)
from untilgreen.doctor.findings import Area, Result
from untilgreen.doctor.show import lines
from untilgreen.doctor.step import CHECKS, judge
from untilgreen.model.delivery import GateFinding
from untilgreen.model.document import Document
from untilgreen.model.secrets import SecretBinding, SecretProblem, SecretStatus, Severity

COMMIT = "c0ffee" * 6 + "c0de"
SHOP = ContextSeen(service="shop", source="shop", files=2, procfile=True)
SYNTAX = GateFinding(service="shop", rule="image.syntax", message="main.py:3: no Python 3.11")
RUN = ApiSeen(api="run.googleapis.com", needs="roles/run.developer")
LISTED = ApiSeen(api="secretmanager.googleapis.com", needs="roles/secretmanager.viewer", needed=False)

WELL = Facts(
    git=GitSeen(version="git version 2.47.3"),
    repository=RepositorySeen(commit=COMMIT),
    settings=SettingsSeen(commit=COMMIT, services=("shop",)),
    build=BuildSeen(contexts=(SHOP,)),
    interpreter=InterpreterSeen(python="python3", version="3.12.1", pytest="8.3.4"),
    collection=CollectionSeen(path="e2e", collected=6, minimum=6),
    cloud=CloudSeen(target="emulator", endpoint="127.0.0.1:8790", project="emulator-moon"),
    apis=(RUN, LISTED),
    secrets=(),
    server=ServerSeen(),
    environment=EnvironmentSeen(names=("HOME", "PATH")),
    disk=DiskSeen(place="shop", free=9_000_000_000),
)


def status(problem: SecretProblem | None, severity: Severity = Severity.BLOCKING) -> tuple[SecretStatus, ...]:
    binding = SecretBinding(env="JWT_KEY", secret="jwt-key", version="1")
    message = "Grant it." if problem else ""
    one = SecretStatus(service="shop", binding=binding, account="", problem=problem, severity=severity, message=message)
    return (one,)


def build(**changes: object) -> BuildSeen:
    return BuildSeen(contexts=(SHOP.model_copy(update=changes),))


def test_a_sound_project_has_no_problem() -> None:
    """Every check is ok, and the exit code is 0."""
    found = judge(WELL, "shop")
    assert {finding.result for finding in found.findings} == {Result.OK}
    assert {finding.check for finding in found.findings} == {check.name for check in CHECKS}
    assert found.exit_code == 0


@pytest.mark.parametrize(
    ("part", "seen", "result", "words"),
    [
        ("git", GitSeen(version=""), "problem", "Install git"),
        ("repository", RepositorySeen(error="there is no git repository"), "problem", "no git repository"),
        ("repository", RepositorySeen(commit=COMMIT, uncommitted=("a", "b", "c", "d")), "warning", "and 1 more"),
        ("settings", SettingsSeen(commit=COMMIT, error="untilgreen.yaml:4: no"), "problem", "untilgreen.yaml:4"),
        ("settings", SettingsSeen(commit="", services=("shop",)), "problem", "git add untilgreen.yaml"),
        ("build", build(error="docker is down"), "problem", "docker is down"),
        ("build", build(procfile=False), "problem", "web: COMMAND"),
        ("build", build(builder="command", procfile=False), "ok", "built by its command"),
        ("build", build(builder="prebuilt", files=0, procfile=False), "ok", "built elsewhere"),
        ("build", build(findings=(SYNTAX,)), "problem", "main.py:3"),
        ("build", build(findings=(SYNTAX.model_copy(update={"blocking": False}),)), "warning", "main.py:3"),
        ("interpreter", InterpreterSeen(python="p", error="No such file"), "problem", "suite.python"),
        ("interpreter", InterpreterSeen(python="p"), "problem", "it says nothing"),
        ("interpreter", InterpreterSeen(python="p", version="3.12"), "problem", "install pytest"),
        ("interpreter", InterpreterSeen(python="p", version="3.12", pytest="6.2.5"), "problem", "Install pytest 7"),
        ("interpreter", InterpreterSeen(python="p", version="3.12", pytest="9.1.0rc1"), "ok", "9.1.0rc1"),
        ("collection", CollectionSeen(path="e2e", collected=5, minimum=6), "problem", "suite.minimum is 6"),
        ("collection", CollectionSeen(path="e2e", collected=0, minimum=1, crash="no module"), "problem", "no module"),
        (
            "collection",
            CollectionSeen(path="e2e", collected=9, minimum=1, errors=("e2e/test_a.py: x\nE  SyntaxError",)),
            "problem",
            "SyntaxError",
        ),
        ("server", ServerSeen(named="http://gone/api"), "warning", "nothing answers there"),
        ("server", ServerSeen(api="http://a/api", version="3.7.9", client="3.8.8"), "warning", "Update the server"),
        ("server", ServerSeen(api="http://a/api", version="3.10.0", client="3.8.8"), "ok", "Prefect 3.10.0"),
        ("environment", EnvironmentSeen(leaks=("GRPC_TRACE=all: Unset it.",)), "problem", "Unset it."),
        ("environment", EnvironmentSeen(names=("CLOUDSDK_CORE_LOG_HTTP",)), "warning", "calls gcloud"),
        ("disk", DiskSeen(place="d", free=1_000_000), "problem", "Make room"),
        ("disk", DiskSeen(place="d", free=1_000_000_000), "warning", "old loops"),
        ("disk", DiskSeen(place="d", free=9_000_000_000, writable=False), "problem", "cannot be written"),
        ("cloud", CloudSeen(target="gcp", error="no credentials"), "problem", "gcloud auth"),
        ("cloud", CloudSeen(target="emulator", endpoint="a:1", error="no"), "problem", "untilgreen emulator"),
        ("apis", (RUN.model_copy(update={"problem": ApiProblem.PERMISSION}),), "problem", "roles/run.developer"),
        ("apis", (LISTED.model_copy(update={"problem": ApiProblem.PERMISSION}),), "warning", "secretmanager.viewer"),
        ("apis", (LISTED.model_copy(update={"problem": ApiProblem.DISABLED}),), "problem", "services enable"),
        ("apis", (RUN.model_copy(update={"problem": ApiProblem.UNREACHABLE}),), "problem", "cloud.endpoint"),
        ("secrets", status(SecretProblem.DENIED), "problem", "Grant it."),
        ("secrets", status(SecretProblem.UNPINNED, Severity.WARNING), "warning", "unpinned"),
        ("secrets", status(None), "ok", "jwt-key:1"),
    ],
)
def test_each_rule_says_what_is_seen_and_what_to_do(
    part: str, seen: Document | tuple[Document, ...], result: str, words: str
) -> None:
    """One wrong part gives its own finding; where something is wrong, what to do stands beside it."""
    found = judge(WELL.model_copy(update={part: seen}), "shop")
    hits = [finding for finding in found.findings if words in f"{finding.seen} {finding.advice}"]
    assert [finding.result for finding in hits] == [Result(result)]
    assert hits[0].advice or hits[0].result is Result.OK or part in ("repository", "build", "environment")


@pytest.mark.parametrize("part", sorted(Facts.model_fields))
def test_what_was_not_looked_at_is_never_a_pass(part: str) -> None:
    """Each part that could not be seen is reported as not checked, with its reason, and the exit code is not 0."""
    found = judge(WELL.model_copy(update={part: Unseen(why="the lights were out")}), "shop")
    (finding,) = [finding for finding in found.findings if finding.result is Result.NOT_CHECKED]
    assert finding.seen == "the lights were out"
    assert found.exit_code == (3 if finding.area is Area.CLOUD else 2)


def test_a_problem_of_the_project_comes_first() -> None:
    """With both kinds of problem the exit code is the project's: the cloud cannot be judged without settings."""
    cloud = {"cloud": CloudSeen(target="gcp", error="no credentials")}
    assert judge(WELL.model_copy(update=cloud), "shop").exit_code == 3
    assert judge(WELL.model_copy(update={**cloud, "git": GitSeen(version="")}), "shop").exit_code == 2


def test_text_of_many_lines_stays_readable() -> None:
    """What the platform says over several lines is shown whole, indented, and counted at the end."""
    error = CloudSeen(target="gcp", error="first line\nsecond line")
    shown = list(lines(judge(WELL.model_copy(update={"cloud": error}), "shop")))
    place = next(number for number, line in enumerate(shown) if line.endswith("first line"))
    assert shown[place + 1].strip() == "second line"
    assert shown[place + 2].strip().startswith("-> ")
    assert "1 problem," in shown[-1]
