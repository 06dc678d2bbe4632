"""The plan of a rollout."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.deploy.execute import Reach, execute
from untilgreen.deploy.levels import levels, side_by_side
from untilgreen.deploy.plan import RolloutPlan, plan
from untilgreen.deploy.step import dry_run
from untilgreen.deploy.wanted import binding, fill_urls, label, wanted
from untilgreen.errors import ConfigError
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import GateFinding, Image, Images, ServingStatus
from untilgreen.settings import Settings, parse
from untilgreen.testing import FakeClock, FakeSecrets, FakeServices

SHOP = """
services:
  backend: {source: b, image: r.test/b, depends_on: [auth], env: {AUTH_URL: "{auth.url}/v1"}, secrets: {KEY: key:3}}
  auth: {source: a, image: r.test/a, needs: [SALT, TOKEN], env: {SALT: x}}
"""
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,48}", fullmatch=True)


def run(cycle: int = 1, loop: str = "20250101-0f3a") -> Run:
    """Return where a step works."""
    return Run(loop=loop, cycle=cycle, commit="c" * 40, root="", state="")


def images(settings: Settings, digest: str = "1" * 64) -> Images:
    """Return an image for each service."""
    made = [
        Image(
            service=name,
            reference=f"{s.image}@sha256:{digest}",
            digest=f"sha256:{digest}",
            commit="c" * 40,
            files=(),
        )
        for name, s in settings.services.items()
    ]
    return Images(commit="c" * 40, images=tuple(made))


def planned(text: str = SHOP, **changed: object) -> dict[str, str]:
    """Return service -> revision name."""
    settings = parse(text)
    made = wanted(run(**changed), settings, images(settings))  # type: ignore[arg-type] - passed on as given
    return {service.service: service.revision for service in made.services}


def test_order_follows_dependencies() -> None:
    """A service comes after those it depends on."""
    assert list(planned()) == ["auth", "backend"]


def test_plan_is_repeatable_and_names_are_unique() -> None:
    """The same input gives the same revision names; another cycle, loop or content gives others."""
    settings = parse(SHOP)
    other = wanted(run(), settings, images(settings, "2" * 64)).services[0].revision
    names = [planned()["auth"], planned(cycle=2)["auth"], planned(loop="20250102-0f3a")["auth"], other]
    assert planned() == planned()
    assert len(set(names)) == len(names)


@given(NAMES, st.integers(1, 50), st.text(max_size=40))
def test_revision_names_are_legal(service: str, cycle: int, loop: str) -> None:
    """Every revision name starts with its service, and the platform takes it."""
    text = f"services: {{'{service}': {{source: a, image: r.test/a}}}}"
    name = planned(text, cycle=cycle, loop=loop)[service]
    assert name.startswith(f"{service}-")
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,61}[a-z0-9]", name)


@given(st.text())
def test_labels_are_legal(text: str) -> None:
    """Every label value is one that the platform takes."""
    assert re.fullmatch(r"[a-z0-9_-]{0,63}", label(text))


def test_secret_references() -> None:
    """A secret is read as `secret` or `secret:version`, and the newest version is the default."""
    assert (binding("K", "key:3").secret, binding("K", "key:3").version) == ("key", "3")
    assert binding("K", "key").version == "latest"


def test_needed_names_that_nothing_binds() -> None:
    """A needed env name is satisfied by env or secrets; others are reported."""
    settings = parse(SHOP)
    assert wanted(run(), settings, images(settings)).services[0].unbound == ("TOKEN",)


def test_urls_are_filled() -> None:
    """`{name.url}` becomes the URL of that service."""
    settings = parse(SHOP)
    template = wanted(run(), settings, images(settings)).services[1].template
    assert fill_urls(template, {"auth": "http://a.test"}).env == {"AUTH_URL": "http://a.test/v1"}


@pytest.mark.parametrize("other", ["nobody", "backend", "later"])
def test_unknown_url_is_a_setting_to_correct(other: str) -> None:
    """A URL of a service that is not deployed before is a ConfigError that says what to add."""
    text = f"""
services:
  backend: {{source: b, image: r.test/b, env: {{X: "{{{other}.url}}"}}}}
  later: {{source: l, image: r.test/l}}
"""
    with pytest.raises(ConfigError, match=r"services\.backend\.env\.X: .*depends_on"):
        planned(text)


def test_platform_names_are_refused() -> None:
    """An env name that the platform sets itself is a ConfigError."""
    with pytest.raises(ConfigError, match=r"env\.PORT: Cloud Run sets this itself"):
        planned("services: {a: {source: a, image: r.test/a, env: {PORT: '1'}}}")


def planned_against(services: FakeServices, cycle: int = 2, **changed: str) -> RolloutPlan:
    """Plan a cycle against what is there; `digest` and `source` may differ per call."""
    settings = parse(SHOP.replace("needs: [SALT, TOKEN], ", changed.get("strategy", "")))
    made = images(settings, changed.get("digest", "1" * 64))
    sourced = tuple(i.model_copy(update={"source": changed.get("source", "")}) for i in made.images)
    return dry_run(run(cycle), settings, made.model_copy(update={"images": sourced}), services, FakeSecrets())


def rolled_out(plan: RolloutPlan, services: FakeServices) -> None:
    """Carry a plan out."""
    assert all(s.status is ServingStatus.SERVING for s in execute(plan, Reach(services, None, FakeClock())))


def actions(plan: RolloutPlan) -> dict[str, str]:
    """Return service -> what is done with it."""
    return {service.service: service.action.value for service in plan.services}


def test_actions_follow_what_is_there() -> None:
    """A service that is not there is created; another revision updates it; the same one is unchanged."""
    services = FakeServices()
    first = planned_against(services, cycle=1)
    assert actions(first) == {"auth": "create", "backend": "create"}
    rolled_out(first, services)
    assert actions(planned_against(services, cycle=1)) == {"auth": "unchanged", "backend": "unchanged"}
    assert actions(planned_against(services)) == {"auth": "update", "backend": "update"}


def test_only_traffic_moves_when_the_revision_is_there() -> None:
    """A ready revision that somebody took the traffic from gets it back without a new one."""
    services = FakeServices()
    rolled_out(planned_against(services, cycle=1), services)
    services.pin("auth", "auth-old")
    assert actions(planned_against(services, cycle=1))["auth"] == "traffic"


def test_pins_are_notes() -> None:
    """A pin is reported before anything happens, with the revision that it names."""
    services = FakeServices()
    rolled_out(planned_against(services, cycle=1), services)
    services.pin("auth", "auth-old")
    assert any("pinned: 100 % goes to auth-old" in note for note in planned_against(services).services[0].notes)


def test_a_changed_source_with_the_same_image_is_refused() -> None:
    """When the source has changed and the image has not, what serves would stay as it is: that is an error."""
    services = FakeServices()
    rolled_out(planned_against(services, cycle=1, source="one"), services)
    assert planned_against(services, source="one").refusals == ()
    stale = planned_against(services, source="two")
    assert {r.reason for r in stale.refusals} == {"TEMPLATE_UNCHANGED"}
    assert planned_against(services, source="two", digest="2" * 64).refusals == ()


def test_a_tag_is_refused() -> None:
    """An image that is named by a tag only is refused: a tag that moves deploys nothing, silently."""
    settings = parse(SHOP)
    made = images(settings)
    tagged = tuple(i.model_copy(update={"reference": "r.test/a:latest"}) for i in made.images)
    refused = dry_run(run(), settings, Images(commit="c" * 40, images=tagged), FakeServices(), FakeSecrets()).refusals
    assert "IMAGE_WITHOUT_DIGEST" in {r.reason for r in refused}


def test_findings_of_the_image_gate_refuse() -> None:
    """A blocking finding of the image gate refuses the rollout; a warning does not."""
    settings = parse(SHOP)
    asked, finding = (
        wanted(run(), settings, images(settings)),
        GateFinding(service="auth", rule="image.port", message="m"),
    )
    assert [r.reason for r in plan(asked, {}, (), (finding,)).refusals] == ["IMAGE_PORT"]
    assert plan(asked, {}, (), (finding.model_copy(update={"blocking": False}),)).refusals == ()


def test_levels_are_what_can_be_done_side_by_side() -> None:
    """Services that wait for nobody come together, those that need their URLs after them."""
    assert [[s.service for s in level] for level in planned_against(FakeServices()).levels] == [["auth"], ["backend"]]


@given(st.dictionaries(st.integers(0, 9), st.sets(st.integers(0, 9))))
def test_levels_keep_the_order(graph: dict[int, set[int]]) -> None:
    """Every name comes once, after all that it depends on."""
    depends_on = {str(n): [str(o) for o in graph[n] if o < n and o in graph] for n in sorted(graph)}
    groups = levels(depends_on)
    place = {name: number for number, group in enumerate(groups) for name in group}
    assert sorted(place) == sorted(depends_on)
    assert all(place[other] < place[name] for name, others in depends_on.items() for other in others)


def test_side_by_side_keeps_the_order_and_the_error() -> None:
    """Results come in the order of the items; an error comes after all have ended."""
    ended: list[int] = []

    def work(number: int) -> int:
        ended.append(number)
        return 1 // number

    assert side_by_side(lambda n: n * 2, range(5)) == [0, 2, 4, 6, 8]
    with pytest.raises(ZeroDivisionError):
        side_by_side(work, [1, 0, 2])
    assert sorted(ended) == [0, 1, 2]
