"""Claims about resources are judged by what the platform said and measured."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.review_scene import at, bundle, case, entry, exchange, platform, request
from untilgreen.model.analysis import Truth
from untilgreen.model.claims import ResourceExhausted
from untilgreen.model.document import Window
from untilgreen.model.evidence import Item, Usage
from untilgreen.model.suite import Outcome
from untilgreen.review.claims import judge

MEMORY = ResourceExhausted(service="web", resource="memory", blocked="request")
CPU = ResourceExhausted(service="web", resource="cpu", blocked="request")
INSTANCES = ResourceExhausted(service="web", resource="instances", blocked="request")
KILLED = "Memory limit of 512 MiB exceeded with 530 MiB used."
ABORTED = "The request was aborted because there was no available instance."
BROKEN = (case("t", Outcome.FAILED, "t1", exchange("/big", 503)), request("/big", 503, 60, trace="t1"))
"""A test that failed within the first two seconds, and its request a minute later."""


def used(resource: str, share: float, *full: tuple[float, float], least: float | None = None) -> Usage:
    """Return what `web` used; `full` are seconds of the window in which it was at its limit."""
    return Usage(
        at=at(60),
        service="web",
        revision="web-2",
        resource=resource,
        utilisation=share,
        least=least,
        samples=5,
        period_s=2,
        window=Window(start=at(0), end=at(120)),
        full=tuple(Window(start=at(start), end=at(end)) for start, end in full),
    )


def turned_away(path: str = "/big", seconds: float = 1) -> Item:
    """Return a request that no instance took."""
    return request(path, 429, seconds, trace="t1").model_copy(update={"said": ABORTED})


@pytest.mark.parametrize(("claim", "resource"), [(MEMORY, "memory"), (CPU, "cpu")])
def test_at_the_limit_while_it_failed(claim: ResourceExhausted, resource: str) -> None:
    """A limit that was reached while requests failed supports the claim, and the sample is named."""
    usage = used(resource, 0.99, (58, 62))
    judgement = judge(claim, bundle(*BROKEN, usage, covered=("entry", "usage")))
    assert (judgement.truth, judgement.evidence) == (Truth.SUPPORTED, (usage.id,))


@pytest.mark.parametrize(("claim", "resource"), [(MEMORY, "memory"), (CPU, "cpu")])
def test_at_the_limit_at_another_time(claim: ResourceExhausted, resource: str) -> None:
    """A limit that was reached when nothing failed, for example while it started, supports nothing."""
    judgement = judge(claim, bundle(*BROKEN, used(resource, 0.99, (20, 30))))
    assert (judgement.truth, judgement.for_) == (Truth.UNPROVEN, ())


def test_a_class_that_only_touches_the_limit() -> None:
    """Memory that may have been at its limit, as far as the platform's classes tell, is neither full nor flat."""
    blurred = used("memory", 1.0, least=0.5)
    assert judge(MEMORY, bundle(*BROKEN, blurred)).truth is Truth.UNPROVEN


@pytest.mark.parametrize(("claim", "resource"), [(MEMORY, "memory"), (CPU, "cpu")])
def test_flat(claim: ResourceExhausted, resource: str) -> None:
    """Flat usage far below the limit refutes it, and is the first thing that is cited."""
    usage, later = used(resource, 0.31), request("/other", 200, 90)
    judgement = judge(claim, bundle(*BROKEN, usage, later, covered=("entry", "usage")))
    assert judgement.truth is Truth.REFUTED
    assert judgement.evidence == (usage.id, later.id)
    assert f"web-2 {resource} at most 31% of its limit in 5 samples" in judgement.message


@pytest.mark.parametrize("covered", [(), ("entry",), ("usage",)])
def test_flat_with_a_hole(covered: tuple[str, ...]) -> None:
    """Between samples that leave a hole, or beside a log that was not read to its end, anything may have happened."""
    assert judge(MEMORY, bundle(*BROKEN, used("memory", 0.31), covered=covered)).truth is Truth.UNPROVEN


def test_silence_of_one_resource_says_nothing_of_another() -> None:
    """Samples of CPU do not refute a claim about memory."""
    assert judge(MEMORY, bundle(*BROKEN, used("cpu", 0.1), covered=("entry",))).truth is Truth.UNPROVEN


def test_flat_samples_beside_a_kill() -> None:
    """What the platform says weighs more than samples: a kill between two of them is in the log only."""
    items = (*BROKEN, platform(KILLED, 60), used("memory", 0.31))
    assert judge(MEMORY, bundle(*items, covered=("entry", "usage"))).truth is Truth.SUPPORTED


def test_later_successes_of_the_same_request() -> None:
    """Without any word of the platform, the same request that succeeds later refutes it, another one does not."""
    again, other = request("/big", 200, 90), request("/small", 200, 90)
    assert judge(MEMORY, bundle(*BROKEN, again)).truth is Truth.REFUTED
    assert judge(MEMORY, bundle(*BROKEN, other)).truth is Truth.UNPROVEN


def test_other_revisions_do_not_count() -> None:
    """Usage of an older revision neither supports nor refutes."""
    old = used("memory", 0.99, (58, 62)).model_copy(update={"revision": "web-1"})
    assert judge(MEMORY, bundle(*BROKEN, old)).truth is Truth.UNPROVEN


def test_turned_away_for_lack_of_instances() -> None:
    """A request beside which the platform wrote that no instance was there supports the claim; a 429 alone does not."""
    row = turned_away()
    judgement = judge(INSTANCES, bundle(case("t", Outcome.FAILED, "t1"), row))
    assert (judgement.truth, judgement.evidence) == (Truth.SUPPORTED, (row.id,))
    own = request("/big", 429, 1, trace="t1")
    assert judge(INSTANCES, bundle(case("t", Outcome.FAILED, "t1"), own)).truth is Truth.UNPROVEN
    assert judge(INSTANCES, bundle(own, covered=("request", "usage"))).truth is Truth.REFUTED
    assert judge(INSTANCES, bundle(own, covered=("request",))).truth is Truth.UNPROVEN


def test_an_application_cannot_turn_away() -> None:
    """The platform's words in an application's log are not the platform's."""
    assert judge(INSTANCES, bundle(entry(ABORTED), entry(KILLED))).truth is Truth.UNPROVEN


@given(share=st.floats(0, 1), covered=st.sets(st.sampled_from(["case", "entry", "request"])), start=st.floats(0, 100))
def test_no_claim_is_decided_without_complete_samples(share: float, covered: set[str], start: float) -> None:
    """Whatever samples with a hole say, they refute nothing, and support it only at the limit while it failed."""
    usage = used("memory", share, *([(start, start + 2)] if share >= 0.95 else []))
    judgement = judge(MEMORY, bundle(*BROKEN, usage, covered=tuple(sorted(covered))))
    meets = any(low - 2 <= start + 2 and start <= low + length + 2 for low, length in ((0, 2), (60, 0.1)))
    assert judgement.truth is (Truth.SUPPORTED if share >= 0.95 and meets else Truth.UNPROVEN)


def test_usage_says_its_figures() -> None:
    """A usage item tells resource, share, samples and time in words that can be quoted."""
    assert used("memory", 0.31).text == (
        "web-2 memory at most 31% of its limit in 5 samples from 09:00:00 to 09:02:00, one every 2 s"
    )
    counted = Usage(
        service="web",
        revision="web-2",
        resource="instances",
        peak=3,
        samples=2,
        period_s=60,
        window=Window(start=at(0), end=at(0) + timedelta(minutes=1)),
    )
    assert counted.text == "web-2 instances at most 3 in 2 samples from 09:00:00 to 09:01:00, one every 60 s"
