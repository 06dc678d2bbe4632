"""Step deploy over fakes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.deploy.contract import Observed, broken_rule
from untilgreen.deploy.secrets import TOLD
from untilgreen.deploy.step import deploy
from untilgreen.deploy.wanted import wanted as as_wanted
from untilgreen.errors import RolloutFailed
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import (
    Image,
    Images,
    RevisionState,
    Rollout,
    SecretProblem,
    Served,
    ServiceState,
    ServingStatus,
    Template,
    Traffic,
)
from untilgreen.model.evidence import Entry, Stream
from untilgreen.settings import parse
from untilgreen.testing import BEGINNING, FakeClock, FakeLogs, FakeSecrets, FakeServices

SETTINGS = parse("""
services:
  auth: {source: a, image: r.test/a, secrets: {KEY: key}}
  backend: {source: b, image: r.test/b, depends_on: [auth], env: {AUTH_URL: "{auth.url}"}}
  front: {source: f, image: r.test/f, depends_on: [backend]}
""")


def images(digest: str) -> Images:
    """Return an image for each service."""
    made = (
        Image(service=s, reference=f"{w.image}@sha256:{digest}", digest=f"sha256:{digest}", commit="c" * 40, files=())
        for s, w in SETTINGS.services.items()
    )
    return Images(commit="c" * 40, images=tuple(made))


def run(cycle: int = 1) -> Run:
    """Return where a step works."""
    return Run(loop="loop-1", cycle=cycle, commit="c" * 40, root="", state="")


def rolled_out(services: FakeServices, secrets: FakeSecrets | None = None, cycle: int = 1) -> Rollout:
    """Deploy one cycle."""
    digest = f"{cycle:064d}"
    return deploy(run(cycle), SETTINGS, images(digest), services, secrets or FakeSecrets(), clock=FakeClock())


def status(rollout: Rollout) -> dict[str, str]:
    """Return service -> how its rollout ended."""
    return {served.service: served.status.value for served in rollout.services}


def test_everything_serves() -> None:
    """When all goes well each service serves its own new revision, and URLs were filled in on the way."""
    services = FakeServices()
    rollout = rolled_out(services)
    assert rollout.serving
    assert all(s.serving_revision == s.revision and not s.reason for s in rollout.services)
    assert services.applied[1][0].env == {"AUTH_URL": "http://auth.test:80"}


def test_labels_tell_where_a_revision_comes_from() -> None:
    """Every revision carries its commit, cycle and loop as labels."""
    services = FakeServices()
    rolled_out(services)
    assert services.applied[0][0].labels == {"commit": "c" * 40, "cycle": "1", "loop": "loop-1"}


def test_repeated_step_rolls_out_nothing() -> None:
    """The same step repeated finds what it rolled out before."""
    services = FakeServices()
    first = rolled_out(services)
    assert rolled_out(services) == first
    assert len(services.applied) == len(SETTINGS.services)


def test_failure_is_a_result_and_stops_the_rest() -> None:
    """A revision that does not start is FAILED with the platform's reason; what comes after it is SKIPPED."""
    services = FakeServices()
    before = rolled_out(services)
    services.failing = {"backend": ("HEALTH_CHECK_CONTAINER_ERROR", "it never listened")}
    rollout = rolled_out(services, cycle=2)
    failed = rollout.of("backend")
    assert status(rollout) == {"auth": "rolled_back", "backend": "failed", "front": "skipped"}
    assert (failed.reason, failed.message) == ("HEALTH_CHECK_CONTAINER_ERROR", "it never listened")
    assert failed.serving_revision == failed.previous_revision == before.of("backend").revision
    assert rollout.of("front").serving_revision == before.of("front").revision


def test_first_failure_leaves_nobody_serving() -> None:
    """When there is no earlier revision, nobody serves after a failure."""
    rollout = rolled_out(FakeServices(failing={"auth": ("X", "y")}))
    assert rollout.of("auth").serving_revision == ""


@pytest.mark.parametrize("problem", sorted(set(SecretProblem) - TOLD))
def test_secret_problem_refuses_everything(problem: SecretProblem) -> None:
    """One secret that cannot be relied on, and nothing is rolled out anywhere."""
    services = FakeServices()
    rollout = rolled_out(services, FakeSecrets({"key": problem}))
    assert set(status(rollout).values()) == {"refused"}
    assert services.applied == []
    assert rollout.of("auth").message
    assert [s.problem for s in rollout.secrets] == [problem]


def test_needed_name_that_nothing_binds_refuses_everything() -> None:
    """An env name that a service needs and that nothing binds is a secret problem with what to do."""
    settings = parse("services: {auth: {source: a, image: r.test/a, needs: [TOKEN]}}")
    rollout = deploy(run(), settings, images("1"), FakeServices(), FakeSecrets(), clock=FakeClock())
    assert status(rollout) == {"auth": "refused"}
    assert "Add it to services.auth.secrets" in rollout.of("auth").message


def test_a_pin_is_undone_and_told() -> None:
    """Traffic that somebody pinned would leave the new revision without any: it is undone, and a note says so."""
    services = FakeServices()
    first = rolled_out(services)
    services.pin("auth", "auth-old")
    rollout = rolled_out(services, cycle=2)
    assert rollout.serving
    assert "auth: traffic is pinned: 100 % goes to auth-old" in rollout.notes[0]
    services.pin("auth", first.of("auth").revision)
    again = rolled_out(services, cycle=2)
    assert again.of("auth").serving_revision == again.of("auth").revision
    assert services.routed == [("auth", again.of("auth").revision)]


class Stubborn(FakeServices):
    """A platform on which traffic does not move."""

    def get(self, service: str) -> ServiceState | None:
        """Show the traffic of somebody else."""
        return self._elsewhere(super().get(service))

    def apply(self, template: Template, revision: str, tag: str = "") -> ServiceState:
        """Roll out, and leave the traffic where it is."""
        state = self._elsewhere(super().apply(template, revision, tag))
        assert state
        return state

    def _elsewhere(self, state: ServiceState | None) -> ServiceState | None:
        other = (Traffic(revision="auth-old", percent=100),)
        return state.model_copy(update={"traffic": other}) if state else None


def test_traffic_that_does_not_come_is_failure() -> None:
    """A service whose traffic goes elsewhere is FAILED though its new revision is ready."""
    served = rolled_out(Stubborn()).of("auth")
    assert (served.status, served.reason) == (ServingStatus.FAILED, "TRAFFIC_ELSEWHERE")
    assert served.serving_revision == "auth-old"


def observed(**changed: object) -> Observed:
    """Return what the platform shows of a good rollout, with something changed."""
    services = FakeServices()
    wanted = as_wanted(run(), SETTINGS, images("1")).services[0]
    state = services.apply(wanted.template, wanted.revision).model_copy(update=changed)
    return Observed(wanted=wanted, state=state, revision=services.revision("auth", wanted.revision))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"reconciling": True}, "STILL_RECONCILING"),
        ({"ready": False}, "NOT_READY"),
        ({"ready": False, "reason": "REVISION_FAILED"}, "REVISION_FAILED"),
        ({"observed_generation": 7}, "NOT_OBSERVED"),
        ({"latest_created": "other"}, "OTHER_REVISION"),
        ({"latest_ready": "other"}, "OTHER_REVISION"),
        ({"traffic": ()}, "TRAFFIC_ELSEWHERE"),
    ],
)
def test_success_needs_every_rule(changed: dict[str, object], reason: str) -> None:
    """One broken rule of the success contract, and the service does not count as deployed."""
    assert broken_rule(observed()) is None
    wrong = broken_rule(observed(**changed))
    assert wrong
    assert wrong[0] == reason


@pytest.mark.parametrize("digest", ["", "sha256:other"])
def test_another_image_is_not_ours(digest: str) -> None:
    """A revision that runs another image than the one that was built does not count."""
    seen = observed()
    assert seen.revision
    other = seen.model_copy(update={"revision": seen.revision.model_copy(update={"digest": digest})})
    assert (broken_rule(other) or ("",))[0] == "OTHER_IMAGE"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 100)), max_size=4))
def test_split_traffic_is_never_all(shares: list[tuple[bool, int]]) -> None:
    """Only 100 percent for the new revision is all of the traffic."""
    seen = observed()
    traffic = tuple(Traffic(revision=seen.wanted.revision if ours else "old", percent=p) for ours, p in shares)
    wrong = broken_rule(seen.model_copy(update={"state": seen.state.model_copy(update={"traffic": traffic})}))
    assert (wrong is None) == (sum(p for ours, p in shares if ours) == 100)


def test_early_decision_takes_the_revisions_reason() -> None:
    """A revision that failed while its service still reconciles is reported with its own reason."""
    seen = observed(ready=False, reconciling=True)
    failed = RevisionState(name=seen.wanted.revision, service="auth", ready=False, reason="R", message="m")
    assert broken_rule(seen.model_copy(update={"revision": failed})) == ("R", "m")


def test_served_names_its_image() -> None:
    """Whatever becomes of it, a service's part of the rollout names digest and commit."""
    for rollout in (rolled_out(FakeServices()), rolled_out(FakeServices(failing={"auth": ("X", "y")}))):
        served: Served
        for served in rollout.services:
            assert served.digest == f"sha256:{1:064d}"
            assert served.commit == "c" * 40


def test_what_does_not_wait_for_one_another_goes_on() -> None:
    """Services side by side are all rolled out though one fails; only what comes after it is skipped."""
    settings = parse("""
services:
  a: {source: a, image: r.test/a}
  b: {source: b, image: r.test/b}
  c: {source: c, image: r.test/c, depends_on: [b]}
""")
    made = (
        Image(service=s, reference=f"r.test/{s}@sha256:1", digest="sha256:1", commit="c" * 40, files=()) for s in "abc"
    )
    services = FakeServices(failing={"a": ("X", "y")})
    rollout = deploy(run(), settings, Images(commit="c" * 40, images=tuple(made)), services, FakeSecrets())
    assert status(rollout) == {"a": "failed", "b": "serving", "c": "skipped"}
    assert [back.message for back in rollout.rolled_back] == ["There is no earlier revision to go back to."]


def test_a_refused_request_is_a_result() -> None:
    """What the platform refuses is FAILED with its words: it can be analysed and mended like any other failure."""

    class Refusing(FakeServices):
        def apply(self, template: Template, revision: str, tag: str = "") -> ServiceState:
            raise RolloutFailed(f"{template.service}: no: {revision}{tag}")

    failed = rolled_out(Refusing()).of("auth")
    assert (failed.status, failed.reason) == (ServingStatus.FAILED, "REQUEST_REFUSED")
    assert failed.message.startswith("auth: no")


def entry(revision: str, stream: Stream, message: str, second: int) -> Entry:
    """Return a log entry of the backend."""
    return Entry(
        at=BEGINNING + timedelta(seconds=second / 100),
        service="backend",
        revision=revision,
        stream=stream,
        severity="DEFAULT",
        message=message,
        insert_id=str(second),
        log_name=f"projects/p/logs/{stream}",
    )


def test_last_words_of_a_failed_container() -> None:
    """A failed service shows its container's last five lines, the platform's own, and the exit code."""
    services = FakeServices(failing={"backend": ("HEALTH_CHECK_CONTAINER_ERROR", "it never listened")})
    name = rolled_out(FakeServices()).of("backend").revision
    lines = [entry(name, Stream.STDERR, f"line {n}", n) for n in range(8)]
    forged = entry(name, Stream.STDOUT, "Container called exit(0).", 8)
    logs = FakeLogs(entries=[*lines, forged, entry(name, Stream.SYSTEM, "Container called exit(3).", 9)])
    rollout = deploy(run(), SETTINGS, images(f"{1:064d}"), services, FakeSecrets(), logs=logs, clock=FakeClock())
    failed = rollout.of("backend")
    assert failed.revision == name
    assert failed.exit_code == 3
    assert failed.last_words == (
        "Container called exit(3).",
        *(f"line {n}" for n in range(4, 8)),
        "Container called exit(0).",
    )


def test_a_silent_log_costs_patience_only_where_a_container_ran() -> None:
    """The log is awaited only when a container ran: a missing image never says anything."""
    for reason, waits in (("HEALTH_CHECK_CONTAINER_ERROR", True), ("CONTAINER_MISSING", False)):
        clock = FakeClock()
        services = FakeServices(failing={"auth": (reason, "m")})
        rollout = deploy(run(), SETTINGS, images("1"), services, FakeSecrets(), logs=FakeLogs(), clock=clock)
        assert rollout.of("auth").last_words == ()
        assert (clock.now() > BEGINNING) == waits
