"""Random sequences of what happens to services: the plan, the platform and the report always agree.

Nothing is ever reported as serving while another revision answers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from google.cloud import run_v2
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport
from hypothesis import HealthCheck as Check
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.contract.moon import PROJECT, REGION, Moon
from untilgreen.adapters.cloud_logging import CloudLogging
from untilgreen.adapters.cloud_run import CloudRunServices
from untilgreen.adapters.google_connection import connect
from untilgreen.adapters.http_probe import HttpProbe
from untilgreen.adapters.snapshot_registry import SnapshotRegistry
from untilgreen.deploy.contract import serving_revision
from untilgreen.deploy.plan import Action
from untilgreen.deploy.step import deploy, dry_run
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Health, Image, Images, Rollout, ServingStatus
from untilgreen.settings import Service, Settings
from untilgreen.testing import FakeClock, FakeLogs, FakeProbe, FakeSecrets, FakeServices
from untilgreen.wait.step import wait

APP = """
import _thread, os, socket
def answer(talk):
    path = (talk.recv(65536).split(b" ") + [b"", b""])[1]
    if path == b"/crash":
        os._exit(3)
    status = b"500 No" if path == b"/smoke" and "SICK" in os.environ else b"200 OK"
    body = os.environ["K_REVISION"].encode()
    head = b"HTTP/1.1 %s\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n" % (status, len(body))
    talk.sendall(head + body)
    talk.close()
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=64)
while True:
    _thread.start_new_thread(answer, (server.accept()[0],))
"""
DYING = "raise SystemExit(7)\n"
ACCOUNT = f"app@{PROJECT}.iam.gserviceaccount.com"

GOOD, BAD, SICK = "good", "dying", "sick"
"""Kinds of revisions: one that serves, one that never starts, and one that only its smoke test finds out."""


class EmulatedWorld:
    """A running emulator.

    Args:
        moon: the emulator.
        digests: kind -> reference of its image.
    """

    def __init__(self, moon: Moon, digests: dict[str, str]) -> None:
        self._digests = digests
        self._client = connect(run_v2.ServicesClient, ServicesGrpcTransport, moon.endpoint)
        self.services = Meddled(PROJECT, REGION, moon.endpoint)
        self.probe = HttpProbe()
        self._browser = httpx.Client(timeout=20, limits=httpx.Limits(max_keepalive_connections=0))
        self.logs = CloudLogging(PROJECT, moon.endpoint)
        self.name = moon.name

    def image(self, kind: str) -> str:
        """Return the reference of an image."""
        return self._digests[BAD if kind == BAD else GOOD]

    def prepare(self, kinds: dict[str, str]) -> None:
        """Do nothing: the images themselves live or die."""

    def meddle(self) -> None:
        """Let somebody else change each service just before our next write to it."""
        self.services.conflicts = 1

    def answers(self, service: str) -> str:
        """Ask the service itself who answers; nobody is empty."""
        state = self.services.get(service)
        answer = self._browser.get(state.url) if state else None
        return answer.text if answer is not None and answer.status_code == 200 else ""

    def crash(self, service: str) -> None:
        """End the instance that answers."""
        state = self.services.get(service)
        assert state
        self._browser.get(f"{state.url}/crash")

    def wait(self, settings: Settings, rollout: Rollout) -> Health:
        """Do the step."""
        return wait(settings, rollout, self.probe, self.logs)

    def deploy(self, run: Run, settings: Settings, images: Images) -> Rollout:
        """Do the step."""
        return deploy(run, settings, images, self.services, FakeSecrets(), probe=self.probe, logs=self.logs)

    def remove(self, service: str) -> None:
        """Leave no process behind."""
        if self.services.get(service):
            self._client.delete_service(name=f"projects/{PROJECT}/locations/{REGION}/services/{service}")


class Meddled(CloudRunServices):
    """An adapter between whose reading and writing somebody else changes the service."""

    conflicts = 0

    def _write(self, service: str, wanted: object, paths: list[str] | None, *, exists: bool) -> object:
        if self.conflicts and exists:
            self.conflicts -= 1
            theirs = self._read(service)
            theirs.annotations["team"] = f"{theirs.etag}"
            self._services.update_service(request={"service": theirs, "update_mask": {"paths": ["annotations"]}})
        return super()._write(service, wanted, paths, exists=exists)


class FakeWorld:
    """Everything in memory."""

    def __init__(self) -> None:
        self.services = FakeServices()
        self._numbers = itertools.count(1)
        self._sick: set[str] = set()

    def name(self) -> str:
        """Return a name that nobody has used."""
        return f"app{next(self._numbers)}"

    def image(self, kind: str) -> str:
        """Return the reference of an image."""
        return f"registry.test/{kind}@sha256:{kind}"

    def prepare(self, kinds: dict[str, str]) -> None:
        """Tell the platform which of the next revisions will not start."""
        failure = ("HEALTH_CHECK_CONTAINER_ERROR", "failed to start")
        self.services.failing = {name: failure for name, kind in kinds.items() if kind == BAD}
        self._sick = {name for name, kind in kinds.items() if kind == SICK}

    def meddle(self) -> None:
        """Do nothing: there is no network in which anybody could come between."""

    def answers(self, service: str) -> str:
        """Return who has the traffic."""
        state = self.services.get(service)
        return serving_revision(state) if state else ""

    def crash(self, service: str) -> None:
        """Do nothing: nothing runs here."""

    def wait(self, settings: Settings, rollout: Rollout) -> Health:
        """Do the step, with probes that see who has the traffic."""
        clock, logs = FakeClock(), FakeLogs()
        answering = {served.service: self.answers(served.service) for served in rollout.services}
        return wait(settings, rollout, FakeProbe(None, clock, logs, answering), logs, clock)

    def deploy(self, run: Run, settings: Settings, images: Images) -> Rollout:
        """Do the step."""
        probe = FakeProbe({f"{name} /smoke": [500] for name in self._sick})
        return deploy(run, settings, images, self.services, FakeSecrets(), probe=probe, clock=FakeClock())

    def remove(self, service: str) -> None:
        """Do nothing."""


World = EmulatedWorld | FakeWorld


class Rollouts(RuleBasedStateMachine):
    """Two services, one of which needs the other, and whatever may happen to them."""

    def __init__(self, make_world: Callable[[], World]) -> None:
        super().__init__()
        self.world = make_world()
        self.first, self.second = self.world.name(), self.world.name()
        self.cycle = 0
        self.ready: dict[str, set[str]] = {self.first: set(), self.second: set()}
        self.rollout: Rollout | None = None
        self.last: tuple[Run, Settings, Images] | None = None

    @rule(
        kinds=st.tuples(st.sampled_from([GOOD, GOOD, BAD]), st.sampled_from([GOOD, GOOD, BAD, SICK])),
        canary=st.booleans(),
        meddled=st.booleans(),
    )
    def deploy_something_new(self, kinds: tuple[str, str], canary: bool, meddled: bool) -> None:
        """Deploy a new cycle, maybe while somebody else changes the same services."""
        self.cycle += 1
        by_name = dict(zip((self.first, self.second), kinds, strict=True))
        self.last = self._cycle(by_name, canary=canary)
        self.world.prepare(by_name)
        if meddled:
            self.world.meddle()
        before = self._answering()
        self._deploy()
        self._expect(by_name, before, canary=canary)

    @precondition(lambda self: self.last is not None)
    @rule()
    def deploy_the_same_again(self) -> None:
        """Repeat the last step, as after a crash of our own."""
        before, created, answering = self.rollout, self._created(), self._answering()
        self._deploy()
        assert before
        assert self.rollout
        assert self._created() == created, "nothing new is made"
        if before.serving:
            overtaken = created != [s.revision for s in before.services]
            assert self.rollout.serving != overtaken
            assert not overtaken or self._answering() == answering

    @precondition(lambda self: any(self.ready.values()))
    @rule(data=st.data())
    def pin(self, data: st.DataObject) -> None:
        """Somebody sends all traffic of a service to one of its revisions by hand."""
        service = data.draw(st.sampled_from([name for name, ready in self.ready.items() if ready]))
        self.world.services.route(service, data.draw(st.sampled_from(sorted(self.ready[service]))))

    @precondition(lambda self: any(self.ready.values()))
    @rule(data=st.data())
    def deploy_by_somebody_else(self, data: st.DataObject) -> None:
        """Another tool deploys a revision that we know nothing of."""
        service = data.draw(st.sampled_from([name for name, ready in self.ready.items() if ready]))
        state = self.world.services.get(service)
        assert state
        assert state.template
        self.world.prepare({})
        number = state.generation + 1
        template = state.template.model_copy(
            update={"image": self.world.image(GOOD), "env": {"THEIRS": str(number)}, "labels": {}}
        )
        self.world.services.apply(template, f"{service}-theirs-{number}")
        self.ready[service].add(f"{service}-theirs-{number}")

    @precondition(lambda self: self._serving())
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        """An instance ends by itself; the same revision comes back."""
        service = data.draw(st.sampled_from(self._serving()))
        before = self.world.answers(service)
        self.world.crash(service)
        assert self.world.answers(service) == before

    @precondition(lambda self: self.rollout is not None)
    @rule()
    def ask_for_health(self) -> None:
        """The services are healthy exactly when all of them are answered by what the rollout brought."""
        assert self.last
        assert self.rollout
        health = self.world.wait(self.last[1], self.rollout)
        ours = self.rollout.serving and all(self.world.answers(s.service) == s.revision for s in self.rollout.services)
        assert health.healthy == ours, health.reason
        assert all(identity.answered == self.world.answers(identity.service) for identity in health.identities)

    def teardown(self) -> None:
        """Whatever happened: what the platform shows is who answers, and the plan has seen it."""
        try:
            self._agree()
        finally:
            for service in (self.first, self.second):
                self.world.remove(service)

    def _agree(self) -> None:
        for service in (self.first, self.second):
            state = self.world.services.get(service)
            assert self.world.answers(service) == (serving_revision(state) if state else "")
        if self.last:
            self._plan_agrees()

    def _plan_agrees(self) -> None:
        """The plan of repeating the last step says what is there, and what would be done."""
        assert self.last
        for planned in dry_run(*self.last, self.world.services, FakeSecrets()).services:
            state, answering = self.world.services.get(planned.service), self.world.answers(planned.service)
            expected = {
                (False, False): Action.UPDATE,
                (True, False): Action.TRAFFIC,
                (True, True): Action.UNCHANGED,
            }
            if state is None:
                assert planned.action is Action.CREATE
                continue
            newest = state.latest_created == planned.revision
            if newest and state.latest_ready != planned.revision:
                assert planned.action is Action.UNCHANGED, "what failed is not made again under the same name"
            else:
                assert planned.action is expected[newest, newest and answering == planned.revision]
            pinned = any(t.percent and not t.latest and t.revision != planned.revision for t in state.traffic)
            assert pinned == any("pinned" in note for note in planned.notes)

    def _deploy(self) -> None:
        assert self.last
        self._agree()
        self.rollout = self.world.deploy(*self.last)
        self._agree()
        for served in self.rollout.services:
            answering = self.world.answers(served.service)
            assert served.serving_revision == answering, "the report names who answers"
            assert (served.status is ServingStatus.SERVING) <= (answering == served.revision)
            assert (served.status is ServingStatus.ROLLED_BACK) <= (answering not in {"", served.revision})
            if served.status in {ServingStatus.SERVING, ServingStatus.ROLLED_BACK}:
                self.ready[served.service].add(served.revision)

    def _expect(self, kinds: dict[str, str], before: dict[str, str], *, canary: bool) -> None:
        """A rollout succeeds exactly when all its revisions are good; else everything is as it was, where it was."""
        assert self.rollout
        found_out = {BAD, SICK} if canary and before[self.second] else {BAD}
        good = [kind not in found_out for kind in kinds.values()]
        assert self.rollout.serving == all(good)
        if not all(good):
            for service, earlier in before.items():
                assert not earlier or self.world.answers(service) == earlier

    def _answering(self) -> dict[str, str]:
        return {name: self.world.answers(name) for name in (self.first, self.second)}

    def _created(self) -> list[str]:
        states = [self.world.services.get(name) for name in (self.first, self.second)]
        return [state.latest_created for state in states if state]

    def _serving(self) -> list[str]:
        return [name for name, answering in self._answering().items() if answering]

    def _cycle(self, kinds: dict[str, str], *, canary: bool) -> tuple[Run, Settings, Images]:
        settings = Settings(services={name: self._service(name, kind, canary) for name, kind in kinds.items()})
        images = tuple(
            Image(
                service=name,
                reference=self.world.image(kind),
                digest=self.world.image(kind).partition("@")[2],
                commit="c" * 40,
                files=(),
            )
            for name, kind in kinds.items()
        )
        run = Run(loop="l", cycle=self.cycle, commit="c" * 40, root="", state="")
        return run, settings, Images(commit="c" * 40, images=images)

    def _service(self, name: str, kind: str, canary: bool) -> Service:
        return Service.model_validate(
            {
                "source": name,
                "image": "registry.moon/any",
                "account": ACCOUNT,
                "env": {"SICK": "1"} if kind == SICK else {},
                "depends_on": [self.first] if name == self.second else [],
                "strategy": "canary" if canary and name == self.second else "replace",
                "smoke": ["/smoke"],
                "health": {"timeout_s": 5, "startup_s": 5, "identity_s": 5},
            }
        )


def play(make_world: Callable[[], World], sequences: int, *phases: Phase) -> None:
    """Play so many sequences, always the same ones.

    Args:
        make_world: in which each is played anew.
        sequences: how many.
        phases: besides generating them; shrinking takes minutes where real processes start.
    """
    run_state_machine_as_test(  # type: ignore[no-untyped-call] - hypothesis leaves this one untyped
        lambda: Rollouts(make_world),
        settings=hypothesis_settings(
            max_examples=sequences,
            stateful_step_count=7,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate, *phases],
            suppress_health_check=list(Check),
        ),
    )


@pytest.fixture(scope="module")
def emulated(moon: Moon, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], World]:
    """Return a maker of worlds in the session's emulator; its apps start in a few milliseconds."""
    registry = SnapshotRegistry(moon.registry)
    digests = {kind: _image(registry, kind, code, tmp_path_factory) for kind, code in ((GOOD, APP), (BAD, DYING))}
    world = EmulatedWorld(moon, digests)
    return lambda: world


def _image(registry: SnapshotRegistry, kind: str, code: str, folders: pytest.TempPathFactory) -> str:
    context: Path = folders.mktemp(kind)
    (context / "Procfile").write_text("web: python -I -S app.py\n")
    (context / "app.py").write_text(code)
    name = f"registry.moon/machine/{kind}"
    return f"{name}@{registry.push(name, context, ['Procfile', 'app.py'])}"


def test_in_memory() -> None:
    """Whatever happens in memory, plan, platform and report agree."""
    play(FakeWorld, 60, Phase.shrink)


def test_on_the_emulator(emulated: Callable[[], World]) -> None:
    """Whatever happens to real processes, plan, platform and report agree."""
    play(emulated, 8)


@pytest.mark.slow
def test_two_hundred_sequences_on_the_emulator(emulated: Callable[[], World]) -> None:
    """As above, for two hundred sequences."""
    play(emulated, 200)
