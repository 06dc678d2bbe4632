"""`untilgreen collect` over a cycle that really ran against the emulator."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner
from typer.testing import Result as Done

from tests.contract.moon import PROJECT, REGION, Moon
from untilgreen.adapters.cloud_run import CloudRunServices
from untilgreen.adapters.http_probe import HttpProbe
from untilgreen.cli import app
from untilgreen.collect.bundle import load
from untilgreen.errors import EvidenceIncomplete
from untilgreen.ledger import Ledger
from untilgreen.model.cycle import Loop
from untilgreen.model.delivery import Health, Image, Images, Rollout, Served, ServingStatus, Template
from untilgreen.model.evidence import Case, Commit, Entry, HealthSeen, HealthSpan, Manifest, Request, Revision
from untilgreen.model.suite import Attempt, Failure, Outcome, Result, Sighting, SuiteRun
from untilgreen.wait.timeline import FILE as LOOKS
from untilgreen.wait.timeline import Timeline

TRACE, PROBE = "0123456789abcdef0123456789abcdef", "f" * 32
ACCOUNT = f"app@{PROJECT}.iam.gserviceaccount.com"


class Story:
    """A repository whose service was deployed, looked at and tested once; its ledger knows that, and no more.

    Args:
        root: a new folder.
        moon: the emulator.
    """

    def __init__(self, root: Path, moon: Moon) -> None:
        self.root, self.service = root, moon.name()
        self.commit = self._committed(moon)
        self.ledger = Ledger(root / ".untilgreen", "night")
        self.folder = self.ledger.cycle_folder(1)
        self.begun = datetime.now(UTC)
        self.ledger.open(Loop(id="night", started=self.begun))

    def _committed(self, moon: Moon) -> str:
        cloud = f"{{project: {PROJECT}, region: {REGION}, endpoint: '{moon.endpoint}', metrics_wait_s: 0}}"
        services = f"{{{self.service}: {{source: ., image: r.test/a, health: {{path: /}}}}}}"
        (self.root / "untilgreen.yaml").write_text(f"cloud: {cloud}\nservices: {services}\n")
        self._git("init", "-q")
        self._git("add", ".")
        self._git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one")
        return self._git("rev-parse", "HEAD")

    def _git(self, *command: str) -> str:
        git = shutil.which("git") or "git"
        return subprocess.run([git, *command], cwd=self.root, check=True, capture_output=True, text=True).stdout.strip()

    def ran(self, moon: Moon) -> None:
        """Go through the cycle as far as step collect."""
        self.ledger.open_cycle(1, self.commit)
        url = self._deployed(moon)
        looks = Timeline(HttpProbe(), self.folder / LOOKS)
        health = Health(healthy=True, checks=(looks.check(self.service, f"{url}/", PROBE),))
        self.ledger.once(1, "wait", (), lambda: health)
        httpx.get(f"{url}/raise", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
        self._tested()

    def _deployed(self, moon: Moon) -> str:
        template = Template(service=self.service, image=moon.good, account=ACCOUNT, health_path="/", startup_seconds=10)
        state = CloudRunServices(PROJECT, REGION, moon.endpoint).apply(template, f"{self.service}-1")
        digest = moon.good.partition("@")[2]
        image = Image(service=self.service, reference=moon.good, digest=digest, commit=self.commit, files=("app.py",))
        served = Served(service=self.service, status=ServingStatus.SERVING, url=state.url, revision=f"{self.service}-1")
        rollout = Rollout(commit=self.commit, started=self.begun, finished=datetime.now(UTC), services=(served,))
        self.ledger.once(1, "build", (), lambda: Images(commit=self.commit, images=(image,)))
        self.ledger.once(1, "deploy", (), lambda: rollout)
        return state.url

    def _tested(self) -> None:
        failure = Failure(phase="call", exception="AssertionError", message="no greeting")
        seen = Sighting(trace=TRACE, exchanges=(), bytes_received=5)
        attempt = Attempt(
            number=1, outcome=Outcome.FAILED, started=self.begun, duration_s=0.1, failure=failure, sighting=seen
        )
        result = Result(nodeid="e2e/test_a.py::test_a", outcome=Outcome.FAILED, attempts=(attempt,))
        (self.folder / "results.jsonl").write_text(result.model_dump_json() + "\n")
        suite = SuiteRun(
            started=self.begun,
            finished=datetime.now(UTC),
            ran=True,
            command=(),
            python="",
            workers=1,
            collected=1,
            counts={Outcome.FAILED: 1},
            exit_code=1,
            results_file="results.jsonl",
        )
        self.ledger.once(1, "suite", (), lambda: suite)

    def collected(self, *options: str) -> Done:
        """Call the command."""
        return CliRunner().invoke(app, ["collect", "--repo", str(self.root), *options])


@pytest.fixture
def story(moon: Moon, tmp_path: Path) -> Story:
    """Return a loop in which nothing has happened yet."""
    return Story(tmp_path, moon)


def test_nothing_to_collect(story: Story) -> None:
    """Before a cycle was opened, and before it deployed anything, there is nothing, and that is no green: exit 4."""
    for said in ("no cycle was opened", "cycle 1 deployed nothing"):
        refused = story.collected().exception
        assert isinstance(refused, EvidenceIncomplete)
        assert refused.exit_code == 4
        assert said in str(refused)
        story.ledger.open_cycle(1, story.commit)


def test_a_finished_cycle_is_collected_again(story: Story, moon: Moon) -> None:
    """The command leaves a whole bundle of the last cycle, tells its counts and gaps, and may be called again."""
    story.ran(moon)
    done = story.collected("--json")
    assert (done.exit_code, done.exception) == (0, None)
    manifest = Manifest.model_validate(json.loads(done.stdout))
    bundle = load(story.folder / manifest.folder)
    assert bundle.manifest == manifest == story.ledger.recall(1, Manifest)
    assert (manifest.loop, manifest.cycle, manifest.commit) == ("night", 1, story.commit)
    assert [e.raised.exception for e in bundle.find(Entry, trace=TRACE, raised=True) if e.raised] == []
    assert [e.raised.exception for e in bundle.find(Entry, raised=True) if e.raised] == ["KeyError"]
    assert {row.trace for row in bundle.find(Request)} >= {TRACE, PROBE}
    kinds = (Case, Commit, Revision, HealthSeen, HealthSpan)
    assert [len(bundle.find(kind)) for kind in kinds] == [1] * len(kinds)
    assert bundle.covers(Entry, story.service)
    assert sum(manifest.counts.values()) == len(list(bundle.items()))
    text = story.collected()
    assert text.exit_code == 0
    assert "night cycle 1: 1 case, " in text.stdout
    again = load(story.folder / manifest.folder).manifest.counts
    assert {**again, "usage": 0} == {**manifest.counts, "usage": 0}  # nobody waited for the metrics' late samples


def test_a_log_of_another_service_is_not_believed(story: Story, moon: Moon) -> None:
    """When our own probe is not in what was read, the bundle says so, and its silence proves nothing."""
    story.ran(moon)
    health = story.ledger.recall(1, Health)
    assert health
    elsewhere = health.checks[0].model_copy(update={"trace": "e" * 32})
    story.ledger.once(1, "wait", (health,), lambda: health.model_copy(update={"checks": (elsewhere,)}))
    done = story.collected()
    assert done.exit_code == 0
    assert f"our own request with trace {'e' * 32} is not in the log of {story.service}" in done.stdout
    assert load(story.folder / "bundle").covers(Entry, story.service) is None
