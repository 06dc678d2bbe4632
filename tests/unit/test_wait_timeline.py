"""Every look at a service's health, kept and turned into evidence."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from untilgreen.collect.health import health_timeline
from untilgreen.model.delivery import HealthCheck, Rollout, Served, ServingStatus
from untilgreen.model.document import Window
from untilgreen.model.evidence import HealthSpan
from untilgreen.testing import BEGINNING, FakeClock, FakeProbe
from untilgreen.wait.timeline import Timeline, read_looks

WINDOW = Window(start=BEGINNING, end=BEGINNING + timedelta(hours=1))
ROLLOUT = Rollout(
    commit="c",
    started=BEGINNING,
    finished=BEGINNING,
    services=tuple(Served(service=name, status=ServingStatus.SERVING, url="u") for name in ("a", "b")),
)


def looked(file: Path, statuses: list[int | None], clock: FakeClock) -> Timeline:
    """Look at service a once for each status, a second apart."""
    timeline = Timeline(FakeProbe({"a": statuses}, clock), file)
    for _ in statuses:
        timeline.check("a", "http://a/health")
        clock.sleep(1)
    return timeline


def test_answers_in_a_row_are_one(tmp_path: Path) -> None:
    """From the first look to the last each change of the answer is evidence, with how long it held."""
    looked(tmp_path / "looks", [None, None, 503, 200, 200, 200, 503], FakeClock())
    looks, broken = read_looks(tmp_path / "looks")
    gathered = health_timeline(ROLLOUT, looks, WINDOW, broken=broken)
    spans = [item for item in gathered.items if isinstance(item, HealthSpan)]
    assert [(span.status, span.ok, span.looks) for span in spans] == [
        (None, False, 2),
        (503, False, 1),
        (200, True, 3),
        (503, False, 1),
    ]
    assert spans[2].text == "http://a/health -> 200 (3 looks from 00:00:03 to 00:00:05)"
    assert [(c.subject, c.gap) for c in gathered.coverage] == [("a", ""), ("b", "nobody looked at its health")]


def test_looks_outside_of_the_cycle_do_not_count(tmp_path: Path) -> None:
    """A resumed cycle's file holds looks from before its rollout; they tell nothing about it."""
    looked(tmp_path / "looks", [503, 200], FakeClock(BEGINNING - timedelta(seconds=1)))
    (item,) = health_timeline(ROLLOUT, read_looks(tmp_path / "looks")[0], WINDOW).items
    assert isinstance(item, HealthSpan)
    assert (item.status, item.at) == (200, BEGINNING)


def test_half_a_line_is_a_gap(tmp_path: Path) -> None:
    """What a killed process left half written is counted, not passed over."""
    file = tmp_path / "looks"
    looked(file, [200, 200], FakeClock())
    file.write_bytes(file.read_bytes()[:-20])
    looks, broken = read_looks(file)
    assert (len(looks), broken) == (1, 1)
    assert health_timeline(ROLLOUT, looks, WINDOW, broken=broken).coverage[0].gap == "1 looks cannot be read"


def test_no_cycle_no_file(tmp_path: Path) -> None:
    """Outside of a cycle the answers are given, and nothing is written."""
    timeline = looked(tmp_path / "none" / "looks", [200], FakeClock())
    answer = timeline.check("a", "http://a/health")
    assert isinstance(answer, HealthCheck)
    assert read_looks(tmp_path / "none" / "looks") == ([], 0)
    assert not (tmp_path / "none").exists()
