"""Runs the negative controls: one after another what belongs to one control, and the controls side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from untilgreen.errors import SuiteCrashed
from untilgreen.model.document import Document
from untilgreen.model.suite import FROM_THE_START, Control, Trial
from untilgreen.ports import Halt, StandIns, Suite, SuiteOrder
from untilgreen.prove.control import Batch, order, trials_of
from untilgreen.suite.watchers import UNHEARD


@dataclass(frozen=True)
class Bench:
    """What controls are run with."""

    suite: Suite
    stand_ins: StandIns
    base: SuiteOrder
    """How the suite itself is run."""
    env: Mapping[str, str]
    """The settings' own, with `{name.url}` still in it."""
    services: Mapping[str, str]
    """Name -> the URL under which it serves now."""


class Controlled(Document):
    """What came of one control."""

    control: Control
    trials: tuple[Trial, ...] = ()
    notes: tuple[str, ...] = ()


def run_controls(
    bench: Bench, batches: Sequence[Batch], deadline_s: float, heard: Callable[[Controlled], None]
) -> tuple[Controlled, ...]:
    """Run all batches; an interrupt ends them within a second, and what was heard before stays.

    Args:
        bench: what they are run with.
        batches: what is due.
        deadline_s: how long each control may take.
        heard: is told of each control as it ends, in the caller's own thread.
    """
    stop = threading.Event()
    controls = list(dict.fromkeys(batch.control for batch in batches))
    done: list[Controlled] = []
    with ThreadPoolExecutor(len(FROM_THE_START)) as pool:
        mine = [[batch for batch in batches if batch.control is control] for control in controls]
        running = [pool.submit(_control, bench, due, deadline_s, lambda: stop.is_set() * "interrupted") for due in mine]
        try:
            for future in as_completed(running):
                done.append(future.result())
                heard(done[-1])
        finally:
            stop.set()
    return tuple(sorted(done, key=lambda told: list(Control).index(told.control)))


def _control(bench: Bench, batches: Sequence[Batch], deadline_s: float, halt: Halt) -> Controlled:
    end = time.monotonic() + deadline_s
    trials: list[Trial] = []
    notes: list[str] = []
    for batch in batches:
        left = end - time.monotonic()
        try:
            found = _run(bench, batch, left, halt) if left > 0 and not halt() else ()
        except SuiteCrashed as error:
            notes.append(f"control {batch.control} did not start: {str(error).splitlines()[0]}")
            continue
        trials += found
        if missing := len(batch.nodeids) - len(found):
            notes.append(f"control {batch.control} did not come to {missing} tests: they are due in the next cycle")
    return Controlled(control=batches[0].control, trials=tuple(trials), notes=tuple(notes))


def _run(bench: Bench, batch: Batch, left_s: float, halt: Halt) -> tuple[Trial, ...]:
    with bench.stand_ins.broken(bench.services, batch.control, entirely=batch.entirely) as stand_ins:
        wanted = order(bench.base, batch, bench.env, stand_ins).model_copy(update={"deadline_s": left_s})
        output = bench.suite.run(wanted, UNHEARD, halt)
    return trials_of(output, batch, stand_ins, bench.services)
