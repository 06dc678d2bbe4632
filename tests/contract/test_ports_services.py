"""The port Services, over the emulator and over the fake."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from google.cloud import run_v2
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport

from tests.contract.moon import PROJECT, REGION, Moon
from untilgreen.adapters.cloud_run import CloudRunServices
from untilgreen.adapters.cloud_run_documents import revision_state
from untilgreen.adapters.google_connection import connect
from untilgreen.deploy.canary import TAG
from untilgreen.errors import CloudUnavailable, RolloutFailed
from untilgreen.model.delivery import SecretBinding, ServiceState, Template
from untilgreen.ports import Services
from untilgreen.testing import FakeServices

ACCOUNT = f"app@{PROJECT}.iam.gserviceaccount.com"


@dataclass
class World:
    """Services, and how to make templates that start or do not."""

    services: Services
    name: str
    good: str
    break_it: Callable[[Template], Template]
    account: str = ACCOUNT

    def template(self, **changed: object) -> Template:
        """Return a template that starts."""
        template = Template(
            service=self.name, image=self.good, account=self.account, health_path="/", startup_seconds=10
        )
        return template.model_copy(update=changed)


REAL = os.environ.get("UNTILGREEN_TEST_PROJECT", "")
"""A Google Cloud project in which these tests may deploy. It needs further variables, all named here:

UNTILGREEN_TEST_REGION, UNTILGREEN_TEST_ACCOUNT (runtime service account), UNTILGREEN_TEST_GOOD (image by digest that
answers 200 on `/`) and UNTILGREEN_TEST_DYING (image by digest that ends at once).
"""


def real_world() -> World:
    """Return the real cloud; services of these tests stay there, named `untilgreen-test-...`."""
    region, account, good, dying = (
        os.environ[f"UNTILGREEN_TEST_{name}"] for name in ("REGION", "ACCOUNT", "GOOD", "DYING")
    )
    services = CloudRunServices(REAL, region)
    name = f"untilgreen-test-{uuid4().hex[:8]}"
    return World(services, name, good, lambda t: t.model_copy(update={"image": dying}), account)


@pytest.fixture(params=["emulator", "fake", *(["gcp"] if REAL else [])])
def world(request: pytest.FixtureRequest) -> World:
    """Return a cloud in which nothing is deployed under the name that we use."""
    if request.param == "gcp":
        return real_world()
    if request.param == "fake":
        fake = FakeServices()

        def fail(template: Template) -> Template:
            fake.failing = {template.service: ("HEALTH_CHECK_CONTAINER_ERROR", "failed to start")}
            return template.model_copy(update={"image": "registry.test/bad@sha256:2"})

        return World(fake, "app", "registry.test/good@sha256:1", fail)
    moon: Moon = request.getfixturevalue("moon")
    services = CloudRunServices(PROJECT, REGION, moon.endpoint)
    return World(services, moon.name(), moon.good, lambda t: t.model_copy(update={"image": moon.dying}))


def test_nothing_there(world: World) -> None:
    """A service or revision that does not exist is None, not an error."""
    assert world.services.get(world.name) is None
    assert world.services.revision(world.name, f"{world.name}-1") is None


def test_first_rollout(world: World) -> None:
    """A template that starts becomes a ready revision with all the traffic, and everything agrees."""
    template = world.template(env={"GREETING": "hi"}, labels={"cycle": "1"})
    state = world.services.apply(template, f"{world.name}-1")
    assert (state.ready, state.reconciling, state.reason) == (True, False, "")
    assert state.latest_created == state.latest_ready == f"{world.name}-1"
    assert [(t.revision, t.percent, t.latest) for t in state.traffic] == [(f"{world.name}-1", 100, True)]
    assert state.observed_generation == state.generation
    assert state.template == template
    assert world.services.get(world.name) == state


def test_revision_shows_its_template(world: World) -> None:
    """A revision is shown with the digest and the template it was made of."""
    template = world.template(secrets=(SecretBinding(env="KEY", secret="open", version="1"),), memory="256Mi")
    world.services.apply(template, f"{world.name}-1")
    revision = world.services.revision(world.name, f"{world.name}-1")
    assert revision
    assert (revision.ready, revision.service, revision.name) == (True, world.name, f"{world.name}-1")
    assert revision.digest == world.good.partition("@")[2]
    assert revision.template
    assert revision.template.model_copy(update={"limits": {}}) == template  # the platform adds limits of its own
    assert revision.created


def test_what_somebody_else_set_is_reported() -> None:
    """Egress, network, time-out, concurrency and instances are no settings of ours, and yet they cut services off."""
    vpc = run_v2.VpcAccess(connector="c", egress=run_v2.VpcAccess.VpcEgress.ALL_TRAFFIC)
    found = revision_state(
        run_v2.Revision(
            name="projects/p/locations/r/services/s/revisions/s-1",
            containers=[run_v2.Container(image="i", resources={"limits": {"cpu": "1"}})],
            vpc_access=vpc,
            timeout=timedelta(seconds=60),
            max_instance_request_concurrency=80,
            scaling=run_v2.RevisionScaling(max_instance_count=3),
        )
    )
    assert found.template
    assert found.template.limits == {
        "egress": "ALL_TRAFFIC",
        "network": "c",
        "timeout": "60s",
        "concurrency": "80",
        "max_instances": "3",
        "cpu": "1",
    }


def test_next_revision_replaces_the_first(world: World) -> None:
    """A second template takes over all the traffic under its own name."""
    first = world.services.apply(world.template(), f"{world.name}-1")
    second = world.services.apply(world.template(env={"GREETING": "hi"}), f"{world.name}-2")
    assert second.latest_ready == f"{world.name}-2"
    assert second.url == first.url
    assert [(t.revision, t.percent) for t in second.traffic] == [(f"{world.name}-2", 100)]


def test_same_rollout_again(world: World) -> None:
    """The same call repeated changes nothing."""
    first = world.services.apply(world.template(), f"{world.name}-1")
    assert world.services.apply(world.template(), f"{world.name}-1") == first


def test_tag_comes_back(world: World) -> None:
    """A canary whose URL somebody's change of the traffic took away gets it again by the same call."""
    world.services.apply(world.template(), f"{world.name}-1")
    world.services.apply(world.template(env={"GREETING": "hi"}), f"{world.name}-2", "candidate")
    world.services.route(world.name, f"{world.name}-1")
    state = world.services.apply(world.template(env={"GREETING": "hi"}), f"{world.name}-2", "candidate")
    shares = {(t.revision, t.percent, t.tag, bool(t.url)) for t in state.traffic if t.tag or t.percent}
    assert {(f"{world.name}-2", 0, "candidate", True)} < shares
    assert [(t.revision, t.percent) for t in state.traffic if t.percent] == [(f"{world.name}-1", 100)]
    assert state.latest_created == f"{world.name}-2"


def test_failing_revision_is_a_state(world: World) -> None:
    """A revision that does not start is returned with the platform's reason; the old one keeps the traffic."""
    world.services.apply(world.template(), f"{world.name}-1")
    state = world.services.apply(world.break_it(world.template()), f"{world.name}-2")
    assert (state.ready, state.reason) == (False, "HEALTH_CHECK_CONTAINER_ERROR")
    assert "failed to start" in state.message
    assert (state.latest_created, state.latest_ready) == (f"{world.name}-2", f"{world.name}-1")
    assert [(t.revision, t.percent) for t in state.traffic] == [(f"{world.name}-1", 100)]
    revision = world.services.revision(world.name, f"{world.name}-2")
    assert revision
    assert (revision.ready, revision.reason) == (False, "HEALTH_CHECK_CONTAINER_ERROR")


def test_failing_first_revision(world: World) -> None:
    """When the first revision fails, the service is there and nobody has its traffic."""
    state = world.services.apply(world.break_it(world.template()), f"{world.name}-1")
    assert (state.ready, state.latest_ready) == (False, "")
    assert [t.percent for t in state.traffic if t.revision] == []


def shares(state: ServiceState) -> list[tuple[str, int, str, bool]]:
    """Return who has which share, under which tag, and whether it follows the latest revision."""
    return [(t.revision, t.percent, t.tag, t.latest) for t in state.traffic]


def test_candidate_gets_no_traffic(world: World) -> None:
    """A revision with a tag is ready under a URL of its own, while who served before keeps all the traffic."""
    first = world.services.apply(world.template(), f"{world.name}-1")
    state = world.services.apply(world.template(env={"A": "b"}), f"{world.name}-2", TAG)
    assert (state.ready, state.latest_ready) == (True, f"{world.name}-2")
    assert shares(state) == [(f"{world.name}-1", 100, "", False), (f"{world.name}-2", 0, TAG, False)]
    assert state.traffic[1].url
    assert state.traffic[1].url != first.url


def test_candidate_is_promoted(world: World) -> None:
    """When the newest revision gets all the traffic it follows the latest again, and its tag is gone."""
    world.services.apply(world.template(), f"{world.name}-1")
    world.services.apply(world.template(env={"A": "b"}), f"{world.name}-2", TAG)
    state = world.services.route(world.name, f"{world.name}-2")
    assert shares(state) == [(f"{world.name}-2", 100, "", True)]
    assert state.latest_created == f"{world.name}-2"
    assert world.services.get(world.name) == state


def test_first_candidate_has_nobody_beside_it(world: World) -> None:
    """Where nobody serves there is no traffic to keep: the first revision gets all of it."""
    state = world.services.apply(world.template(), f"{world.name}-1", TAG)
    assert shares(state) == [(f"{world.name}-1", 100, "", True)]


def test_going_back_pins(world: World) -> None:
    """An older revision gets all the traffic by its name, and no revision is made; the next rollout undoes that."""
    world.services.apply(world.template(), f"{world.name}-1")
    world.services.apply(world.template(env={"A": "b"}), f"{world.name}-2")
    state = world.services.route(world.name, f"{world.name}-1")
    assert shares(state) == [(f"{world.name}-1", 100, "", False)]
    assert state.latest_created == f"{world.name}-2"
    again = world.services.apply(world.template(env={"A": "c"}), f"{world.name}-3")
    assert shares(again) == [(f"{world.name}-3", 100, "", True)]


def test_going_back_after_a_failure(world: World) -> None:
    """The last good revision can be given all the traffic although the newest one failed."""
    world.services.apply(world.template(), f"{world.name}-1")
    world.services.apply(world.break_it(world.template()), f"{world.name}-2")
    state = world.services.route(world.name, f"{world.name}-1")
    assert shares(state)[0][:2] == (f"{world.name}-1", 100)


def test_traffic_cannot_go_to_nobody(world: World) -> None:
    """A revision that is not there gets no traffic, and who served before keeps it."""
    world.services.apply(world.template(), f"{world.name}-1")
    state = world.services.route(world.name, f"{world.name}-9")
    assert not state.ready
    assert shares(state)[0][:2] == (f"{world.name}-1", 100)


def test_no_service_has_no_traffic(world: World) -> None:
    """Traffic of a service that is not there is RolloutFailed."""
    with pytest.raises(RolloutFailed, match="no such service"):
        world.services.route(world.name, f"{world.name}-1")


def services(moon: Moon, endpoint: str = "") -> CloudRunServices:
    """Return the adapter."""
    return CloudRunServices(PROJECT, REGION, endpoint or moon.endpoint, patience_s=0.5)


def test_new_revision_really_serves(moon: Moon) -> None:
    """After a rollout the service's URL is answered by the new revision."""
    name = moon.name()
    template = Template(service=name, image=moon.good, account=ACCOUNT, health_path="/", env={"GREETING": "one"})
    url = services(moon).apply(template, f"{name}-1").url
    assert httpx.get(url).text == "one"
    services(moon).apply(template.model_copy(update={"env": {"GREETING": "two"}}), f"{name}-2")
    assert httpx.get(url).text == "two"


def test_pin_is_undone(moon: Moon) -> None:
    """A pin that an earlier rollback left behind does not keep the new revision from its traffic."""
    name = moon.name()
    template = Template(service=name, image=moon.good, account=ACCOUNT, health_path="/")
    services(moon).apply(template, f"{name}-1")
    client = connect(run_v2.ServicesClient, ServicesGrpcTransport, moon.endpoint)
    pinned = client.get_service(name=f"projects/{PROJECT}/locations/{REGION}/services/{name}")
    pinned.traffic = [run_v2.TrafficTarget(type_=2, revision=f"{name}-1", percent=100)]
    client.update_service(service=pinned).result(timeout=20)
    state = services(moon).apply(template.model_copy(update={"env": {"A": "b"}}), f"{name}-2")
    assert [(t.revision, t.percent) for t in state.traffic] == [(f"{name}-2", 100)]


def test_tags_of_others_stay(moon: Moon) -> None:
    """A URL that somebody else gave to a revision survives a rollout, a canary and its promotion."""
    name = moon.name()
    template = Template(service=name, image=moon.good, account=ACCOUNT, health_path="/")
    services(moon).apply(template, f"{name}-1")
    client = connect(run_v2.ServicesClient, ServicesGrpcTransport, moon.endpoint)
    theirs = client.get_service(name=f"projects/{PROJECT}/locations/{REGION}/services/{name}")
    theirs.traffic = [*theirs.traffic, run_v2.TrafficTarget(type_=2, revision=f"{name}-1", tag="theirs")]
    client.update_service(service=theirs).result(timeout=20)
    services(moon).apply(template.model_copy(update={"env": {"A": "b"}}), f"{name}-2", TAG)
    state = services(moon).route(name, f"{name}-2")
    assert shares(state) == [(f"{name}-2", 100, "", True), (f"{name}-1", 0, "theirs", False)]


def test_candidate_answers_under_its_own_url(moon: Moon) -> None:
    """The tag's URL is answered by the candidate, the service's by who served before."""
    name = moon.name()
    template = Template(service=name, image=moon.good, account=ACCOUNT, health_path="/", env={"GREETING": "one"})
    services(moon).apply(template, f"{name}-1")
    state = services(moon).apply(template.model_copy(update={"env": {"GREETING": "two"}}), f"{name}-2", TAG)
    assert (httpx.get(state.url).text, httpx.get(state.traffic[1].url).text) == ("one", "two")


def test_settings_of_others_stay(moon: Moon) -> None:
    """What somebody else set on the service, and we have no word for, is still there after a rollout."""
    name = moon.name()
    template = Template(service=name, image=moon.good, account=ACCOUNT, health_path="/")
    services(moon).apply(template, f"{name}-1")
    client = connect(run_v2.ServicesClient, ServicesGrpcTransport, moon.endpoint)
    path = f"projects/{PROJECT}/locations/{REGION}/services/{name}"
    theirs = client.get_service(name=path)
    theirs.template.revision = ""
    theirs.template.max_instance_request_concurrency = 7
    theirs.annotations["team"] = "shop"
    client.update_service(service=theirs).result(timeout=20)
    services(moon).apply(template, f"{name}-2")
    found = client.get_service(name=path)
    assert (found.template.max_instance_request_concurrency, found.annotations["team"]) == (7, "shop")


def test_denied_secret_says_which(moon: Moon) -> None:
    """A revision whose account may not read its secret fails with the platform's reason and the secret's name."""
    name = moon.name()
    secrets = (SecretBinding(env="KEY", secret="closed"),)
    template = Template(service=name, image=moon.good, account=ACCOUNT, health_path="/", secrets=secrets)
    state = services(moon).apply(template, f"{name}-1")
    assert (state.ready, state.reason) == (False, "SECRETS_ACCESS_CHECK_FAILED")
    assert "closed" in state.message


def test_missing_image_says_which(moon: Moon) -> None:
    """A digest that is in no registry is a state with the platform's reason."""
    name = moon.name()
    template = Template(service=name, image=f"registry.moon/no/image@sha256:{'0' * 64}", account=ACCOUNT)
    state = services(moon).apply(template, f"{name}-1")
    assert (state.ready, state.reason) == (False, "CONTAINER_MISSING")


def test_refused_request_says_what_to_do(moon: Moon) -> None:
    """A request that the platform refuses is RolloutFailed, with its words and what to correct."""
    name = moon.name()
    template = Template(service=name, image=moon.good, env={"PORT": "1"})
    with pytest.raises(RolloutFailed, match=rf"{name}: Cloud Run refuses: .*PORT.*settings"):
        services(moon).apply(template, f"{name}-1")


def test_used_revision_name_says_what_to_do(moon: Moon) -> None:
    """A revision name that was used with another template is RolloutFailed."""
    name = moon.name()
    template = Template(service=name, image=moon.good, account=ACCOUNT, health_path="/")
    services(moon).apply(template, f"{name}-1")
    other = template.model_copy(update={"env": {"A": "b"}})
    services(moon).apply(other, f"{name}-2")
    with pytest.raises(RolloutFailed, match="Start a new loop"):
        services(moon).apply(other.model_copy(update={"env": {"A": "c"}}), f"{name}-1")


def test_nobody_there_is_transient(moon: Moon) -> None:
    """A cloud that does not answer is CloudUnavailable: trying again may help."""
    with pytest.raises(CloudUnavailable, match="does not answer"):
        services(moon, "127.0.0.1:1").get("app")


def test_two_rollouts_at_once(moon: Moon) -> None:
    """Two rollouts of one service at the same moment both get through: a conflict is read again and repeated."""
    name = moon.name()
    template = Template(service=name, image=moon.good, account=ACCOUNT, health_path="/")
    services(moon).apply(template, f"{name}-0")

    def roll_out(number: int) -> bool:
        wanted = template.model_copy(update={"env": {"A": str(number)}})
        services(moon).apply(wanted, f"{name}-{number}")
        revision = services(moon).revision(name, f"{name}-{number}")
        return revision is not None and revision.template is not None and revision.template.env == wanted.env

    with ThreadPoolExecutor() as threads:
        assert all(threads.map(roll_out, (1, 2, 3)))
