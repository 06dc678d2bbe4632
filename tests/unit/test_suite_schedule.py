"""Every test is handed to exactly one worker, and what belongs together stays together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from untilgreen.witness.untilgreen_witness.schedule import Schedule

SIZES = st.lists(st.integers(1, 4), max_size=30)


def grouped(sizes: list[int]) -> list[list[int]]:
    """Number tests through in groups of these sizes."""
    starts = [sum(sizes[:n]) for n in range(len(sizes))]
    return [list(range(start, start + size)) for start, size in zip(starts, sizes, strict=True)]


@given(SIZES, st.integers(1, 5), st.data())
def test_each_test_is_taken_once_by_one_worker_a_group(sizes: list[int], workers: int, data: st.DataObject) -> None:
    """Whichever worker asks when, all tests are handed out, none twice, each group in order by one worker."""
    schedule = Schedule(grouped(sizes), workers, loose=data.draw(st.integers(0, 40)))
    taken: dict[int, list[int]] = {worker: [] for worker in range(workers)}
    hungry = set(range(workers))
    while hungry:
        worker = data.draw(st.sampled_from(sorted(hungry)))
        test = schedule.take(worker)
        if test < 0:
            hungry.discard(worker)
        else:
            taken[worker].append(test)
    assert sorted(test for tests in taken.values() for test in tests) == list(range(sum(sizes)))
    for group in grouped(sizes):
        (owner,) = {worker for worker, tests in taken.items() if set(tests) & set(group)}
        assert [test for test in taken[owner] if test in group] == group


@given(SIZES, st.integers(1, 5))
def test_what_a_dead_worker_did_not_reach_comes_back(sizes: list[int], workers: int) -> None:
    """Tests that are given back are handed out again, in their order, to who takes the dead worker's place."""
    schedule = Schedule(grouped(sizes), workers)
    first = [test for test in (schedule.take(0) for _ in range(3)) if test >= 0]
    schedule.give_back(0, first)
    assert [schedule.take(0) for _ in first] == first


def test_neighbours_go_to_one_worker() -> None:
    """The first worker to ask takes a run of neighbours: they share module fixtures."""
    schedule = Schedule(grouped([1] * 64), 2)
    assert [schedule.take(0) for _ in range(8)] == list(range(8))
    assert schedule.take(1) == 8


def test_nobody_waits_behind_a_slow_test() -> None:
    """A worker without tests takes from the one that has most left."""
    schedule = Schedule(grouped([1] * 16), 2)
    slow = schedule.take(0)
    assert {schedule.take(1) for _ in range(15)} == set(range(16)) - {slow}
    assert schedule.take(1) == schedule.take(0) == -1


def test_what_is_wanted_first_is_not_hoarded() -> None:
    """Tests at the beginning that share nothing are handed out one by one, so that the longest run side by side."""
    schedule = Schedule(grouped([1] * 64), 2, loose=4)
    assert [schedule.take(worker) for worker in (0, 1, 0, 1)] == [0, 1, 2, 3]
    assert [schedule.take(0) for _ in range(7)] == list(range(4, 11))
