"""The corpus of true and false analyses, made from faults that really happened, judged again by the gate as it is."""

from __future__ import annotations

import re
import tempfile
import typing
from pathlib import Path

import pytest

from benchmarks.review_analyses.corpus import Told, corpus, load, save
from benchmarks.review_analyses.sample import Sample
from benchmarks.review_analyses.table import STOPPED, WRONGLY, render, stopped, wrongly
from untilgreen.model.analysis import Decision, Review
from untilgreen.model.claims import Claim
from untilgreen.review.fixes.credentials import looks_secret

TYPES = {kind.model_fields["type"].default for kind in typing.get_args(typing.get_args(Claim)[0])}
ALWAYS_OPEN = {"unknown", "test_defect"}
"""Nobody can refute these two: they go to a human, right or wrong."""


@pytest.fixture(scope="module")
def told() -> list[Told]:
    return list(corpus())


@pytest.fixture(scope="module")
def judged(told: list[Told]) -> list[tuple[Sample, Review]]:
    return [pair for fault in told for pair in fault.judged()]


def test_false_analyses_are_stopped(judged: list[tuple[Sample, Review]]) -> None:
    """At least 95 % of the false analyses are rejected or sent to a human."""
    assert stopped(judged).value >= STOPPED, render(judged)


def test_true_analyses_are_not_rejected(judged: list[tuple[Sample, Review]]) -> None:
    """At most 5 % of the true analyses are rejected."""
    assert wrongly(judged).value <= WRONGLY, render(judged)


@pytest.mark.parametrize("kind", sorted(TYPES - ALWAYS_OPEN))
def test_no_type_of_falsehood_gets_through(judged: list[tuple[Sample, Review]], kind: str) -> None:
    """Of each type of claim there are false ones, none is approved, and some are rejected outright."""
    decisions = [review.decision for sample, review in judged if not sample.true and kind in sample.about]
    assert Decision.APPROVED not in decisions
    assert Decision.REJECTED in decisions


def test_it_is_large_and_even_enough(judged: list[tuple[Sample, Review]]) -> None:
    """There are at least 60 of each side, made in many ways from many faults, and true ones of most types."""
    for true in (True, False):
        side = [sample for sample, _ in judged if sample.true is true]
        assert len(side) >= 60
        assert len({sample.fault for sample in side}) >= 20
        assert len({sample.way for sample in side}) >= 8
    shown = {name for sample, _ in judged if sample.true for name in sample.about}
    assert TYPES - shown <= {"service_down", "front_refused"}


def test_it_names_no_machine(told: list[Told]) -> None:
    """No path of the machine that it was made on is in it, and nothing that looks like a credential."""
    here = {str(Path.home()), tempfile.gettempdir(), str(Path(__file__).parents[2])}
    for fault in told:
        text = "\n".join(
            [fault.bundle.manifest.model_dump_json(), *(i.model_dump_json() for i in fault.bundle.items())]
        )
        assert not [path for path in here if f"{path}/" in text]
        assert not [word for word in re.findall(r"[\w+/=.-]{24,}", text) if looks_secret(word)]


def test_it_is_read_as_it_was_written(told: list[Told], tmp_path: Path) -> None:
    """A fault that is saved and read again is the same, and saved again it is the same bytes."""
    save(tmp_path, told[0])
    file = tmp_path / f"{told[0].fault}.jsonl.gz"
    again = load(file)
    assert again.samples == told[0].samples
    assert {item.id for item in again.bundle.items()} == {item.id for item in told[0].bundle.items()}
    before = file.read_bytes()
    save(tmp_path, again)
    assert file.read_bytes() == before
