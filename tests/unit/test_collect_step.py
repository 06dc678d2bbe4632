"""Step collect over fakes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from untilgreen.build.step import build
from untilgreen.collect.bundle import Bundle
from untilgreen.collect.changes import hunks_of
from untilgreen.collect.step import collect
from untilgreen.deploy.step import deploy
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Health, HealthCheck, Rollout
from untilgreen.model.evidence import (
    Blame,
    Case,
    Commit,
    Coverage,
    Entry,
    GateSeen,
    HealthSeen,
    HealthSpan,
    Hunk,
    ImageContent,
    Item,
    Request,
    Revision,
    Secret,
    SourceFile,
    Stream,
    Usage,
    kind_of,
)
from untilgreen.model.suite import Attempt, Exchange, Failure, Outcome, Result, Sighting
from untilgreen.ports import CommitInfo
from untilgreen.settings import parse
from untilgreen.testing import (
    BEGINNING,
    FakeChecker,
    FakeClock,
    FakeHistory,
    FakeLogs,
    FakeRegistry,
    FakeSecrets,
    FakeServices,
)

YAML = "services: {backend: {source: backend, image: r.test/b, secrets: {KEY: key}}}\n"
SETTINGS = parse(YAML)
TREE = {
    "untilgreen.yaml": YAML,
    "backend/Procfile": "web: python app.py\n",
    "backend/app.py": "a = 1\n",
    "backend/.dockerignore": "*.md\n",
    "backend/README.md": "# hi\n",
    "other/x.py": "x\n",
}
TRACE = "0123456789abcdef0123456789abcdef"


class Scene:
    """A loop of one or two cycles over fakes."""

    def __init__(self, tmp_path: Path) -> None:
        self.history = FakeHistory(("first", TREE), ("second", {**TREE, "backend/app.py": "a = 2\n"}))
        self.services = FakeServices()
        self.logs = FakeLogs()
        self.clock = FakeClock()
        self.results: list[Result] = []
        self.health = Health(healthy=True, checks=())
        self._work = tmp_path / "work"

    def run(self, cycle: int) -> Run:
        """Return where a step works."""
        return Run(loop="loop", cycle=cycle, commit=self.history.head, root="", state="")

    def bundle(self, cycle: int = 1, good: Rollout | None = None) -> Bundle:
        """Deploy and collect."""
        images = build(
            SETTINGS,
            self.history.head,
            self.history,
            builders={name: FakeRegistry() for name in SETTINGS.services},
            checker=FakeChecker(),
            workdir=self._work,
        )
        run = self.run(cycle)
        self.rollout = deploy(run, SETTINGS, images, self.services, FakeSecrets(), clock=self.clock)
        self.clock.sleep(10)
        return collect(
            run,
            SETTINGS,
            images,
            self.rollout,
            self.health,
            self.results,
            logs=self.logs,
            services=self.services,
            history=self.history,
            good=good,
            clock=self.clock,
        )


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Return a loop that has not begun."""
    return Scene(tmp_path)


def coverage(bundle: Bundle, kind: type[Item]) -> Coverage:
    """Return the only coverage record of a kind."""
    (found,) = [c for c in bundle.manifest.coverage if c.kind == kind_of(kind)]
    return found


def entry(second: int, revision: str = "backend-1", service: str = "backend") -> Entry:
    """Return a log entry, so many seconds after the rollout started."""
    return Entry(
        at=BEGINNING + timedelta(seconds=second),
        service=service,
        revision=revision,
        stream=Stream.STDERR,
        severity="ERROR",
        message=f"second {second}",
        insert_id=str(second),
        log_name="n",
    )


def failed(trace: str = TRACE, received: int = 10) -> Result:
    """Return a test that failed after it was answered."""
    exchange = Exchange(client="httpx", method="GET", host="backend.test:80", path="/a", status=500, latency_ms=1)
    seen = Sighting(trace=trace, exchanges=(exchange,), bytes_received=received)
    failure = Failure(phase="call", exception="AssertionError", message="500")
    attempt = Attempt(
        number=1, outcome=Outcome.FAILED, started=BEGINNING, duration_s=0.5, failure=failure, sighting=seen
    )
    return Result(nodeid="e2e/test_a.py::test_a", outcome=Outcome.FAILED, attempts=(attempt,))


def request(trace: str = TRACE) -> Request:
    """Return a row of the request log."""
    return Request(
        at=BEGINNING,
        service="backend",
        revision="backend-1",
        method="GET",
        path="/a",
        status=500,
        latency_s=0.1,
        trace=trace,
        insert_id="q",
    )


def test_every_sort_has_a_coverage_record(scene: Scene) -> None:
    """Each sort of evidence says how completely it was looked for; what nobody read is not complete."""
    bundle = scene.bundle()
    recorded = {c.kind: c.complete for c in bundle.manifest.coverage}
    kinds = (
        Case,
        Entry,
        Request,
        Revision,
        Secret,
        Commit,
        Hunk,
        Blame,
        SourceFile,
        ImageContent,
        Usage,
        HealthSeen,
        HealthSpan,
        GateSeen,
    )
    assert set(recorded) == {kind_of(kind) for kind in kinds}
    assert not recorded["usage"]
    assert not recorded["health"]
    assert not recorded["case"]


def test_manifest_tells_what_was_tested(scene: Scene) -> None:
    """The table of contents names revisions, URLs, sources and how many items there are of each kind."""
    bundle = scene.bundle()
    manifest = bundle.manifest
    assert manifest.revisions == {"backend": scene.rollout.of("backend").revision}
    assert manifest.urls == {"backend": "http://backend.test:80"}
    assert manifest.sources == {"backend": "backend"}
    assert sum(manifest.counts.values()) == len(list(bundle.items()))


def test_window_begins_with_the_rollout(scene: Scene) -> None:
    """Log rows of the window are kept, of whatever revision; those from before are not."""
    scene.logs = FakeLogs([entry(-60), entry(1), entry(2, revision="backend-0"), entry(99), entry(1, service="x")])
    assert [e.revision for e in scene.bundle().find(Entry)] == ["backend-1", "backend-0"]


def test_gap_of_the_log_is_passed_on(scene: Scene) -> None:
    """A log that could not be read to its end makes no absence citable, and says why."""
    scene.logs = FakeLogs([entry(1)], gap="quota")
    bundle = scene.bundle()
    assert bundle.covers(Entry, "backend") is None
    assert coverage(bundle, Entry).gap == "quota"


def test_request_log_that_lags_is_not_complete(scene: Scene) -> None:
    """A test got an answer and the request log has no row of it: then the log has not caught up."""
    scene.results = [failed()]
    scene.logs = FakeLogs(requests=[request("f" * 32)])
    assert "1 of 1 traces" in coverage(scene.bundle(), Request).gap


def test_request_log_that_has_caught_up_is_complete(scene: Scene) -> None:
    """Every answered trace has its row: then the absence of others can be cited."""
    scene.results = [failed()]
    scene.logs = FakeLogs(requests=[request()])
    assert coverage(scene.bundle(), Request).complete


def test_mocked_answers_expect_no_row(scene: Scene) -> None:
    """A test to which no bytes came back leaves no row to wait for."""
    scene.results = [failed(received=0)]
    scene.logs = FakeLogs(requests=[request("f" * 32)])
    assert coverage(scene.bundle(), Request).complete


def test_cases_carry_the_last_attempt(scene: Scene) -> None:
    """Each result becomes a case with outcome, failure, exchanges and trace of its last attempt."""
    scene.results = [failed(), Result(nodeid="e2e/test_a.py::test_b", outcome=Outcome.NOT_RUN, reason="stopped")]
    cases = {case.nodeid[-1]: case for case in scene.bundle().find(Case)}
    assert cases["a"].trace == TRACE
    assert cases["a"].failure
    assert cases["a"].exchanges[0].status == 500
    assert cases["b"].outcome is Outcome.NOT_RUN


def test_first_cycle_suspects_every_commit(scene: Scene) -> None:
    """Without a good commit every commit came since it was good, and each one's changes are evidence."""
    bundle = scene.bundle()
    assert [c.since_good for c in bundle.find(Commit)] == [True, True]
    assert {h.path for h in bundle.find(Hunk)} >= {"backend/app.py", "other/x.py"}


def test_changes_since_good(scene: Scene) -> None:
    """With a good commit only what came after it is suspect, line by line."""
    good = scene.bundle().manifest.commit
    first = scene.history.log(good, 9)[1].sha
    bundle = scene.bundle(cycle=2, good=scene.rollout.model_copy(update={"commit": first}))
    assert [(c.subject, c.since_good) for c in bundle.find(Commit)] == [("first", False), ("second", True)]
    (hunk,) = bundle.find(Hunk)
    assert (hunk.path, hunk.line, hunk.removed, hunk.added) == ("backend/app.py", 1, ("a = 1",), ("a = 2",))
    assert hunk.commit == good


def test_revisions_are_compared_with_the_good_ones(scene: Scene) -> None:
    """The revision under test and the last good one are both there, each with its template and reason."""
    scene.bundle()
    good = scene.rollout
    scene.services.failing = {"backend": ("HEALTH_CHECK_CONTAINER_ERROR", "it never listened")}
    revisions = {r.current: r for r in scene.bundle(cycle=2, good=good).find(Revision)}
    assert (revisions[True].ready, revisions[True].reason) == (False, "HEALTH_CHECK_CONTAINER_ERROR")
    assert revisions[True].template
    assert revisions[True].template.labels["cycle"] == "2"
    assert (revisions[False].ready, revisions[False].traffic[0].percent) == (True, 100)


def test_vanished_good_revision_is_a_gap(scene: Scene) -> None:
    """A good revision that the platform no longer shows stays as it is remembered, and is a gap."""
    scene.bundle()
    good = scene.rollout
    scene.services = FakeServices()
    bundle = scene.bundle(cycle=2, good=good)
    assert "no longer shows it" in coverage(bundle, Revision).gap
    assert len(bundle.find(Revision)) == 2


def test_files_of_the_context_and_the_settings(scene: Scene) -> None:
    """Text files of each build context are there, ignored ones too, and the settings; others are not."""
    files = {f.path: f.service for f in scene.bundle().find(SourceFile)}
    assert files == {
        "untilgreen.yaml": "",
        "backend/.dockerignore": "backend",
        "backend/Procfile": "backend",
        "backend/README.md": "backend",
        "backend/app.py": "backend",
    }


def test_large_and_binary_files_are_named_not_read(scene: Scene) -> None:
    """Files that nobody can read line by line are left out, and the record says which."""
    scene.history = FakeHistory(("first", {**TREE, "backend/big.txt": "x" * 600_000, "backend/b.bin": "\0"}))
    bundle = scene.bundle()
    (record,) = [c for c in bundle.manifest.coverage if c.kind == "file" and c.subject == "backend"]
    assert "backend/b.bin" in record.query
    assert "backend/big.txt" in record.query
    assert record.rows == 4


def test_images_show_what_was_kept_out(scene: Scene) -> None:
    """An image's content can be quoted, exclusions with file and line."""
    (content,) = scene.bundle().find(ImageContent)
    assert "README.md excluded by backend/.dockerignore:1 *.md" in content.text


def test_health_and_secrets(scene: Scene) -> None:
    """Health checks and secret bindings are evidence, without any value."""
    check = HealthCheck(service="backend", url="u", at=BEGINNING, status=503, latency_s=0, detail="no")
    scene.health = Health(healthy=False, checks=(check,), reason="no")
    bundle = scene.bundle()
    assert [h.text for h in bundle.find(HealthSeen)] == ["u -> 503 no"]
    (seen,) = bundle.find(Secret)
    assert seen.text.startswith("backend KEY <- key:latest usable (unpinned) ")


def info(*files: str) -> CommitInfo:
    """Return a commit that changed these files."""
    return CommitInfo(sha="c", parent="p", at=BEGINNING, author="a", subject="s", files=files)


def test_hunks_with_odd_lines() -> None:
    """Form feeds and Unicode line ends inside a source line do not end it."""
    diff = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\x0cb\n+a\u2028b\n"
    (hunk,), _ = hunks_of(info("x.py"), diff)
    assert (hunk.removed, hunk.added) == (("a\x0cb",), ("a\u2028b",))


def test_binary_changes_are_named() -> None:
    """A changed binary file has no lines; it is named instead."""
    diff = "diff --git a/x.png b/x.png\nindex 1..2 100644\nBinary files a/x.png and b/x.png differ\n"
    assert hunks_of(info("x.png"), diff) == ([], ["x.png"])


def test_a_merge_owns_only_its_own_lines() -> None:
    """Of a diff that shows more than the commit changed, only the commit's own files are taken."""
    diff = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n--- a/y.py\n+++ b/y.py\n@@ -1 +1 @@\n-a\n+b\n"
    assert [hunk.path for hunk in hunks_of(info("y.py"), diff)[0]] == ["y.py"]
