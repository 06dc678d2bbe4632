"""Cuts a suite into shards of about the same length, and makes one output of theirs again. Pure."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from types import MappingProxyType
from typing import NamedTuple

from untilgreen.errors import SuiteCrashed
from untilgreen.model.suite import Attempt
from untilgreen.ports import SuiteOutput
from untilgreen.suite.gaps import exit_code_disagrees

SLACK = 1.1
"""A shard may last so much longer than the mean before a module is taken apart for it."""
SHORTEST_S = 0.001
"""Even a test that does nothing costs its bookkeeping: without that, a thousand of them would weigh nothing."""
UNKNOWN_S = 1.0
CUTS_PER_SHARD = 8
"""So many cuts make shards even; more would only scatter tests that share fixtures."""
TAIL = 4_000


def plan(
    ids: Sequence[str], seconds: Mapping[str, float], count: int, groups: Mapping[str, str] = MappingProxyType({})
) -> tuple[tuple[str, ...], ...]:
    """Cut a suite into shards that last about the same time.

    Tests of one module stay in one shard unless that made it last longer than the others; then a module is cut, at the
    border of a class if there is one near the middle.

    Args:
        ids: node ids in the order of collection.
        seconds: how long each took, as far as that is known. Others are taken for middling.
        count: at most so many shards.
        groups: node id -> the group that is never cut, whatever it costs; other tests may go anywhere.

    Returns:
        At most `count` shards, none of them empty; each id is in exactly one, in the order of collection. The longest
        shard comes first, for it should begin first.
    """
    weight = _weights(ids, seconds)
    whole = _grouped(weight, groups)
    best = tried = _spread(whole, count)
    limit = SLACK * math.fsum(weight.values()) / count
    for _ in range(CUTS_PER_SHARD * count):
        longest = max((shard for shard in tried if _cuttable(shard, groups)), key=_load, default=())
        if _load(longest) <= limit:
            break
        largest = max(_cuttable(longest, groups))
        whole = [half for piece in whole for half in (_halves(piece, weight) if piece is largest else (piece,))]
        tried = _spread(whole, count)
        best = min(best, tried, key=lambda shards: sorted(map(_load, shards), reverse=True))
    return _ordered(best, list(weight))


class Shard(NamedTuple):
    """What is known about one shard when everything is over."""

    number: int
    """From 1."""
    ids: tuple[str, ...]
    runs: tuple[SuiteOutput, ...] = ()
    """Its executions: the last one is the one that counts, those before it were lost on the way."""
    given_up: str = ""
    """Why nobody tried any longer; empty when the last execution ended by itself."""

    @property
    def attempts(self) -> dict[str, Attempt]:
        """Return the last known execution of each test."""
        return {nodeid: attempt for run in self.runs for nodeid, attempt in run.attempts.items()}

    @property
    def finished(self) -> bool:
        """Tell whether its session reported its own end."""
        return not self.given_up and bool(self.runs) and self.runs[-1].finished


def merge(
    collection: SuiteOutput, shards: Sequence[Shard], stopped: str = "", notes: Iterable[str] = ()
) -> SuiteOutput:
    """Make one output of all shards, which can be judged like that of a run in one piece.

    Args:
        collection: says which tests there are.
        shards: every shard of the plan.
        stopped: why the whole was stopped, if it was.
        notes: what happened to shards on the way.

    Raises:
        SuiteCrashed: a test ran in two shards, so that nobody can say which of its results is true.
    """
    _refuse_double(shards)
    runs = [run for shard in shards for run in shard.runs]
    attempts = {nodeid: attempt for shard in shards for nodeid, attempt in shard.attempts.items()}
    lost = {nodeid: why for run in runs for nodeid, why in run.lost.items() if nodeid not in attempts}
    disagreeing = [f"shard {p.number}: {why}" for p in shards if p.runs and (why := exit_code_disagrees(_whole(p)))]
    told = (f"{note} (shard {shard.number})" for shard in shards for run in shard.runs for note in run.notes)
    return SuiteOutput(
        command=runs[0].command if runs else collection.command,
        python=runs[0].python if runs else collection.python,
        collected=collection.collected,
        attempts=attempts,
        earlier=_earlier(shards),
        lost=lost,
        exit_code=_exit_code(shards),
        finished=all(shard.finished for shard in shards),
        collection_errors=_united([collection, *runs]),
        skipped_modules={module: why for run in (*runs, collection) for module, why in run.skipped_modules.items()},
        stopped=stopped or _stops(shards),
        output_tail=_tail(shards),
        notes=tuple(dict.fromkeys((*collection.notes, *notes, *disagreeing, *told))),
    )


def _weights(ids: Sequence[str], seconds: Mapping[str, float]) -> dict[str, float]:
    known = {nodeid: seconds[nodeid] for nodeid in ids if _is_time(seconds.get(nodeid))}
    usual = median(known.values()) if known else UNKNOWN_S
    return {nodeid: max(known.get(nodeid, usual), SHORTEST_S) for nodeid in ids}


def _is_time(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value >= 0


class _Group(NamedTuple):
    """Tests that stay together."""

    seconds: float
    ids: tuple[str, ...]


def _module(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def _scope(nodeid: str) -> str:
    """Return the module or class of a test. Parameters may hold any text, so what follows `[` does not count."""
    return nodeid.partition("[")[0].rpartition("::")[0]


def _grouped(weight: Mapping[str, float], groups: Mapping[str, str]) -> list[_Group]:
    found: dict[tuple[bool, str], list[str]] = defaultdict(list)
    for nodeid in weight:
        found[nodeid in groups, groups.get(nodeid) or _module(nodeid)].append(nodeid)
    return [_group(ids, weight) for ids in found.values()]


def _group(ids: Sequence[str], weight: Mapping[str, float]) -> _Group:
    return _Group(math.fsum(weight[nodeid] for nodeid in ids), tuple(ids))


def _spread(groups: Sequence[_Group], count: int) -> list[list[_Group]]:
    """Give each group, the longest first, to the shard with the least work: at worst 4/3 of the best spread."""
    shards: list[list[_Group]] = [[] for _ in range(count)]
    least = [(0.0, number) for number in range(count)]
    for group in sorted(groups, key=lambda group: -group.seconds):  # stable: equal ones keep their order
        load, number = heapq.heappop(least)
        shards[number].append(group)
        heapq.heappush(least, (load + group.seconds, number))
    return shards


def _halves(group: _Group, weight: Mapping[str, float]) -> tuple[_Group, _Group]:
    """Cut a group near the middle of its time, at the border of a class if one lies in the middle half."""
    ids, before = group.ids, 0.0
    cuts: list[tuple[bool, float, int]] = []
    for place in range(1, len(ids)):
        before += weight[ids[place - 1]]
        off = abs(before / group.seconds - 0.5)
        inside = _scope(ids[place - 1]) == _scope(ids[place]) or off > 0.25  # noqa: PLR2004 - the middle half
        cuts.append((inside, off, place))
    place = min(cuts)[2]
    return _group(ids[:place], weight), _group(ids[place:], weight)


def _cuttable(shard: Iterable[_Group], groups: Mapping[str, str]) -> list[_Group]:
    return [piece for piece in shard if len(piece.ids) > 1 and piece.ids[0] not in groups]


def _load(shard: Iterable[_Group]) -> float:
    return math.fsum(group.seconds for group in shard)


def _ordered(shards: Iterable[Sequence[_Group]], ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Put tests into the order of collection, and the longest shard first."""
    place = {nodeid: number for number, nodeid in enumerate(ids)}
    filled = sorted((-_load(shard), _first(shard, place), shard) for shard in shards if shard)
    return tuple(
        tuple(sorted((n for group in shard for n in group.ids), key=place.__getitem__)) for *_, shard in filled
    )


def _first(shard: Iterable[_Group], place: Mapping[str, int]) -> int:
    return min(place[nodeid] for group in shard for nodeid in group.ids)


def _refuse_double(shards: Sequence[Shard]) -> None:
    seen: dict[str, int] = {}
    for shard in shards:
        for nodeid in shard.attempts:
            if seen.setdefault(nodeid, shard.number) != shard.number:
                raise SuiteCrashed(
                    f"{nodeid} ran in shard {seen[nodeid]} and in shard {shard.number} of the suite, so its result is "
                    f"not known. A plugin adds tests that were not asked for; set suite.shards.count to 1."
                )


def _earlier(shards: Sequence[Shard]) -> dict[str, tuple[Attempt, ...]]:
    """Keep every execution: a test that ended on a lost worker and ran again ran twice."""
    found: dict[str, tuple[Attempt, ...]] = {}
    for shard in shards:
        last: dict[str, Attempt] = {}
        for run in shard.runs:
            for nodeid, attempt in run.attempts.items():
                before = (last[nodeid],) if nodeid in last else ()
                found[nodeid] = (*found.get(nodeid, ()), *before, *run.earlier.get(nodeid, ()))
                last[nodeid] = attempt
    return {nodeid: attempts for nodeid, attempts in found.items() if attempts}


def _whole(shard: Shard) -> SuiteOutput:
    """Return a shard as if it had been executed once."""
    return shard.runs[-1].model_copy(update={"attempts": shard.attempts, "exit_code": _code(shard)})


def _code(shard: Shard) -> int | None:
    """Return a shard's exit code; failures of an execution that got lost have none of their own."""
    code = shard.runs[-1].exit_code if shard.runs else None
    before = (attempt for run in shard.runs[:-1] for attempt in run.attempts.values())
    return 1 if code == 0 and any(attempt.outcome.bad for attempt in before) else code


def _exit_code(shards: Sequence[Shard]) -> int | None:
    """Return the worst: no code at all, then what is neither 0 nor 1, then 1."""
    codes = [_code(shard) for shard in shards]
    return None if None in codes else max((code for code in codes if code is not None), key=_severity, default=None)


def _severity(code: int) -> tuple[bool, int]:
    return code < 0, abs(code)


def _united(outputs: Iterable[SuiteOutput]) -> tuple[str, ...]:
    """Every shard meets the same module that cannot be imported."""
    errors = {error.partition(": ")[0]: error for output in outputs for error in reversed(output.collection_errors)}
    return tuple(errors.values())


def _stops(shards: Sequence[Shard]) -> str:
    """Say why tests of some shards did not run."""
    given_up = [f"shard {shard.number} of {len(shards)}: {shard.given_up}" for shard in shards if shard.given_up]
    last = [(shard, shard.runs[-1].stopped) for shard in shards if shard.runs and not shard.given_up]
    return "; ".join(given_up + [f"shard {shard.number} of {len(shards)}: {why}" for shard, why in last if why])


def _tail(shards: Sequence[Shard]) -> str:
    """Return the last words of the shards that had trouble, else of all."""
    telling = [shard for shard in shards if shard.runs and not shard.finished] or [
        shard for shard in shards if shard.runs
    ]
    each = TAIL // max(len(telling), 1)
    return "\n".join(f"shard {shard.number}:\n{shard.runs[-1].output_tail[-each:]}" for shard in telling)
