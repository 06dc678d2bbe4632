"""Claims about resources, judged by what really happened to processes on the emulator."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.contract.emulator_cloud import PROJECT, WORKER, Cloud, get, service, shared, short, unique, until
from untilgreen.adapters.cloud_logging import CloudLogging
from untilgreen.adapters.cloud_monitoring import CloudMonitoring
from untilgreen.clock import SystemClock
from untilgreen.collect.bundle import Bundle
from untilgreen.collect.log_evidence import Expected, log_evidence
from untilgreen.collect.usage import usage_seen
from untilgreen.model.analysis import Truth
from untilgreen.model.claims import ResourceExhausted
from untilgreen.model.delivery import Rollout, Served, ServingStatus
from untilgreen.model.document import Window
from untilgreen.model.evidence import Item, Manifest, Usage
from untilgreen.model.suite import Attempt, Outcome, Result
from untilgreen.review.claims import judge
from untilgreen.review.judgement import Judgement

FAST = ("--metrics-interval", "1s", "--pending", "0.2", "--max-instances", "1")
SPIN = WORKER.replace(
    'path == "/sicken"', 'path == "/sicken" or path == "/spin" and all(n >= 0 for n in range(3 * 10**7))'
)


@dataclass
class Story:
    """A service on the emulator, and one test that failed while something was asked of it."""

    cloud: Cloud
    name: str
    url: str
    revision: str
    begun: datetime

    def bundle(self) -> Bundle:
        """Collect what the platform logged and measured of the test's time."""
        now = datetime.now(UTC)
        window = Window(start=self.begun - timedelta(seconds=5), end=now + timedelta(seconds=5))
        served = Served(service=self.name, status=ServingStatus.SERVING, revision=self.revision)
        rollout = Rollout(commit="c", started=self.begun, finished=self.begun, services=(served,))
        lasted = (now - self.begun).total_seconds()
        attempt = Attempt(number=1, outcome=Outcome.FAILED, started=self.begun, duration_s=lasted)
        test = Result(nodeid="t", outcome=Outcome.FAILED, attempts=(attempt,))
        logs, metrics = (adapter(PROJECT, self.cloud.endpoint) for adapter in (CloudLogging, CloudMonitoring))
        gathered = log_evidence(logs, [self.name], window, Expected())
        gathered.merge(usage_seen(metrics, rollout, [test], window, clock=SystemClock(), wait_s=20))
        manifest = Manifest(
            loop="l",
            cycle=1,
            commit="c",
            window=window,
            revisions={self.name: self.revision},
            coverage=tuple(gathered.coverage),
            counts={},
            folder="bundle",
        )
        return Bundle(manifest, gathered.items)

    def judged(self, resource: str, bundle: Bundle) -> Judgement:
        """Judge the claim that a resource ran out here."""
        claim = {"service": self.name, "resource": resource, "blocked": "request"}
        return judge(ResourceExhausted.model_validate(claim), bundle)


def begin(app: str = WORKER, **template: object) -> Story:
    cloud, name = shared(*FAST), unique()
    state = cloud.deploy(service(name, cloud.push(app), **template))
    return Story(cloud, name, state.uri, short(state.latest_ready_revision), datetime.now(UTC))


def kinds(items: tuple[Item, ...]) -> set[str]:
    return {type(item).__name__ for item in items}


def test_a_real_kill_is_supported() -> None:
    """Memory that really ran out is shown by the platform's line and by the sample at the limit."""
    story = begin(limits={"memory": "128Mi", "cpu": "1"})
    assert get(f"{story.url}/eat?200")[0] == 503
    until(lambda: story.judged("memory", story.bundle()).truth is Truth.SUPPORTED)
    judgement = story.judged("memory", story.bundle())
    assert kinds(judgement.for_) == {"Entry", "Usage"}
    assert "Memory limit of 128 MiB exceeded with" in judgement.message


def test_flat_memory_is_refuted() -> None:
    """Memory that stayed far below its limit while requests failed refutes the claim, with the figure."""
    story = begin(limits={"memory": "512Mi", "cpu": "1"})
    get(f"{story.url}/sicken")
    assert get(f"{story.url}/health")[0] == 503
    bundle = story.bundle()
    judgement = story.judged("memory", bundle)
    assert judgement.truth is Truth.REFUTED, [c for c in bundle.manifest.coverage if not c.complete]
    assert isinstance(judgement.against[0], Usage)
    assert "memory at most" in judgement.message


def test_nothing_is_decided_before_samples_are_seen() -> None:
    """As long as samples may still come late, a claim is neither supported nor refuted."""
    story = begin()
    get(f"{story.url}/sicken")
    get(f"{story.url}/health")
    bundle = story.bundle()
    late = bundle.manifest.model_copy(
        update={
            "coverage": tuple(
                c.model_copy(update={"complete": False, "gap": "late"}) if c.kind == "usage" else c
                for c in bundle.manifest.coverage
            )
        }
    )
    assert story.judged("memory", Bundle(late, bundle.items())).truth is Truth.UNPROVEN


def test_a_processor_at_its_limit() -> None:
    """A process that needs all the processor it may have is at its limit while it does, and supports the claim."""
    story = begin(SPIN, limits={"memory": "256Mi", "cpu": "0.08"}, max_instance_request_concurrency=1)
    with ThreadPoolExecutor() as pool:
        busy = pool.submit(get, f"{story.url}/spin")
        until(lambda: get(story.url)[0] == 429)
        busy.result()
    judgement = story.judged("cpu", story.bundle())
    assert (judgement.truth, kinds(judgement.for_)) == (Truth.SUPPORTED, {"Usage"})


def test_a_request_that_no_instance_took() -> None:
    """A request that the platform turned away for lack of an instance supports the claim about instances."""
    story = begin(max_instance_request_concurrency=1)
    held = story.cloud.state / unique("held")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(get, f"{story.url}/hold?{held}")
        until(lambda: get(f"{story.url}/other")[0] == 429)
        held.touch()
        assert waiting.result()[0] == 200
    judgement = story.judged("instances", story.bundle())
    assert (judgement.truth, kinds(judgement.for_)) == (Truth.SUPPORTED, {"Request"})
    assert story.judged("memory", story.bundle()).truth is Truth.REFUTED
