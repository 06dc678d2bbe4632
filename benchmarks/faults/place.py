"""Where faults happen: one place on disk, green once, and brought back to that before each fault.

The first cycle deploys the healthy commit and proves it green. Everything that it left behind - the repository, the
emulator's state, the database, the ledger - is kept as a copy. Each fault begins with that copy, in the same folder,
so that it is a real second cycle after a real green one and knows nothing of other faults.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults import repository
from benchmarks.faults.fault import Fault, Stage
from benchmarks.faults.steps import run_cycle
from benchmarks.faults.tollgate import Tollgate, tollgate
from untilgreen.adapters.local_cloud import running
from untilgreen.model.cycle import Color, Loop, Run
from untilgreen.model.document import Document
from untilgreen.wiring import STATE, Workshop, open_history, read_settings

LOOP = "faults"
NOTES = "analyses.json"
"""What is planted: other analysts' analyses."""


class Happened(Document):
    """What a fault left behind, beside the ledger."""

    fault: str
    commits: dict[str, str]
    """Name of a commit -> its sha."""
    cycles: tuple[int, ...]
    """Of its stages, in order."""
    seconds: float = 0.0


@dataclass
class Site:
    """The place while a fault happens in it.

    Args:
        root: the repository.
        volume: outlives every container, as a database does.
        gate: the outside world.
        endpoint: the emulator's.
        cycle: the one that runs.
    """

    root: Path
    volume: Path
    gate: Tollgate
    endpoint: str = ""
    cycle: int = 1
    commits: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """The depot's."""
        return self.volume / "depot.sqlite3"

    @property
    def shop(self) -> Workshop:
        """What the steps of this cycle work with."""
        history = open_history(self.root)
        head = history.resolve("HEAD")
        run = Run(
            loop=LOOP,
            cycle=self.cycle,
            commit=head,
            root=str(self.root),
            state=str(self.root / STATE),
            endpoint=self.endpoint,
        )
        return Workshop(run, read_settings(history, head))

    def migrate(self) -> None:
        """Run the depot's migrations, as its pipeline does before a release."""
        subprocess.run([sys.executable, self.root / "depot" / "migrate.py", self.database], check=True, timeout=30)


class Place:
    """A folder in which faults happen one after another.

    Args:
        folder: empty or new.
    """

    def __init__(self, folder: Path) -> None:
        self._here, self._green = folder / "here", folder / "green"
        self._gate: Tollgate | None = None

    def begin(self, gate: Tollgate) -> None:
        """Deploy the healthy commit and prove it green.

        Raises:
            AssertionError: it is not green: nothing can be measured here.
        """
        self._gate = gate
        site = self._site()
        site.volume.mkdir(parents=True)
        repository.begin(site.root, {"VOLUME": str(site.volume), "TOLLGATE": gate.url})
        site.migrate()
        with self._cloud(site):
            site.shop.ledger.open(Loop(id=LOOP, started=site.shop.history.log("HEAD", 1)[0].at))
            cycle = run_cycle(site)
        bad = [line.proof for line in cycle.verdict.lines if not line.holds]
        assert cycle.verdict.color is Color.GREEN, f"the healthy commit is {cycle.verdict.color}: {bad}"
        shutil.copytree(self._here, self._green, symlinks=True)

    def inject(self, fault: Fault, kept: Path) -> Happened:
        """Let a fault happen, stage by stage, and keep what it left behind.

        Args:
            fault: which.
            kept: the folder for what faults leave behind; gets `loops/<id>`, a ledger.
        """
        shutil.rmtree(self._here)
        shutil.copytree(self._green, self._here, symlinks=True)
        site, begun = self._site(), time.monotonic()
        with self._cloud(site):
            cycles = [self._stage(site, fault, stage) for stage in fault.stages]
        spent = round(time.monotonic() - begun, 1)
        happened = Happened(fault=fault.id, commits=site.commits, cycles=tuple(cycles), seconds=spent)
        folder = kept / "loops" / fault.id
        shutil.copytree(site.shop.ledger.folder, folder, ignore=shutil.ignore_patterns("checkout", "context", "suite"))
        shutil.copyfile(site.root / "notes" / NOTES, folder / NOTES)
        (folder / "happened.json").write_text(happened.model_dump_json(indent=1))
        return happened

    def _stage(self, site: Site, fault: Fault, stage: Stage) -> int:
        site.cycle += 1
        site.commits |= repository.apply(site.root, stage.commits)
        records = [planted.record for planted in fault.planted if stage is fault.last]
        (site.root / "notes" / NOTES).write_text(json.dumps(records))
        stage.before(site)
        try:
            run_cycle(site, stage.deployed)
        finally:
            site.gate.turn(0.0)
        return site.cycle

    def _site(self) -> Site:
        assert self._gate, "a place begins before faults happen in it"
        return Site(self._here / "repository", self._here / "volume", self._gate)

    @contextmanager
    def _cloud(self, site: Site) -> Iterator[None]:
        with running(site.root / STATE / "emulator", site.root / "cloud.yaml") as cloud:
            site.endpoint = cloud.endpoint
            yield


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """Make a place that is green; everything that runs in it ends with it."""
    with tollgate() as gate:
        made = Place(folder)
        made.begin(gate)
        yield made
