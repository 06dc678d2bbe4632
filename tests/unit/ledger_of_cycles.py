"""A state folder with cycles in it, made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from untilgreen.ledger import Ledger
from untilgreen.model.cycle import Loop
from untilgreen.model.delivery import Image, Images
from untilgreen.model.suite import Attempt, Outcome, Result, SuiteRun

BEGAN = datetime(2031, 5, 6, 12, 0, tzinfo=UTC)
PASSED, FAILED, ERROR = Outcome.PASSED, Outcome.FAILED, Outcome.ERROR


class State:
    """Loops of one cycle each, an hour apart.

    Args:
        folder: the state folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cycles = 0

    def cycle(
        self,
        ended: Mapping[str, Iterable[Outcome]],
        commit: str = "c0ffee",
        digest: str = "d1",
        seconds: Mapping[str, float] | None = None,
        summary: SuiteRun | None = None,
    ) -> Path:
        """Add a loop with one cycle in which each test had these attempts; return its results file."""
        self.cycles += 1
        at = BEGAN + timedelta(hours=self.cycles)
        # Names sort against time: the order of cycles is that of their own clocks.
        ledger = Ledger(self.folder, f"loop-{1000 - self.cycles}")
        ledger.open(Loop(id=ledger.loop_id, started=at))
        ledger.open_cycle(1, commit)
        opening = ledger.cycle_folder(1) / "cycle.json"
        opening.write_text(opening.read_text().replace(_stamp(ledger), at.isoformat()))
        image = Image(service="api", reference="r/api", digest=digest, commit=commit, files=())
        ledger.once(1, "build", (), lambda: Images(commit=commit, images=(image,)))
        if summary:
            ledger.once(1, "suite", (), lambda: summary)
        results = [
            result(nodeid, *outcomes, seconds=(seconds or {}).get(nodeid, 1.0)) for nodeid, outcomes in ended.items()
        ]
        file = ledger.cycle_folder(1) / "results.jsonl"
        file.write_text("".join(f"{one.model_dump_json()}\n" for one in results), "utf-8")
        return file


def result(nodeid: str, *outcomes: Outcome, seconds: float = 1.0) -> Result:
    """Return a test with one attempt for each outcome; the last decides."""
    executed = [outcome for outcome in outcomes if outcome not in (Outcome.NOT_RUN, Outcome.LOST)]
    attempts = [
        Attempt(number=number, outcome=outcome, started=BEGAN, duration_s=seconds)
        for number, outcome in enumerate(executed, start=1)
    ]
    return Result(nodeid=nodeid, outcome=outcomes[-1], attempts=tuple(attempts))


def run(gaps: tuple[str, ...] = (), *, whole: bool = False) -> SuiteRun:
    """Return a suite's summary."""
    return SuiteRun(
        started=BEGAN,
        finished=BEGAN,
        ran=True,
        command=(),
        python="",
        workers=1,
        collected=1,
        counts={},
        exit_code=0,
        gaps=gaps,
        whole=whole,
        results_file="results.jsonl",
    )


def _stamp(ledger: Ledger) -> str:
    opening = ledger.opening(1)
    assert opening is not None
    return opening.model_dump(mode="json")["started"]
