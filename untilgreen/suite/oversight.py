"""Follows shards to their end, wherever they run, and sends those again that got lost."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from untilgreen.ledger import write_whole
from untilgreen.model.suite import Outcome
from untilgreen.ports import Halt, Suite, SuiteOrder, SuiteOutput, Watcher, never
from untilgreen.suite.shard import BEAT, BEAT_S, ORDER, SIGNS, STOP, ShardOrder, done, left_over, take_over
from untilgreen.suite.shards import Shard

POLL_S = 0.1
SILENCE_S = 30.0
"""A worker that has given no sign of life for so long is gone: it gives one every two seconds."""
PATIENCE_S = 60.0
"""How long there may be nobody at all who could take a shard."""
PAUSES = 6
"""A lost shard is sent again after a sixth of that silence, then after two sixths ...: what took it may be passing."""
GRACE_S = 15.0
"""A shard that was told to stop tears fixtures down for up to 8 s."""


class Job(Protocol):
    """A shard that was sent."""

    def ended(self) -> str | None:
        """Return None while it is not over, an empty text when it ended by itself, else how it got lost."""

    def drop(self, why: str) -> None:
        """Give it up: if it has not begun, it shall not."""


class Crew(Protocol):
    """Runs shards, wherever."""

    @property
    def here(self) -> bool:
        """Tell whether all of them run on one machine and share its cores."""

    def send(self, shard: ShardOrder) -> Job:
        """Let somebody run a shard (`untilgreen.suite.shard.run_shard`), and return at once.

        What may pass, such as a server that does not answer, is a job that got lost.

        Raises:
            ConfigError: this can never work.
        """

    def trouble(self) -> str:
        """Say why nobody can take a shard now; an empty text when somebody can."""


class Sent:
    """A shard on its way.

    Args:
        number: from 1.
        of: how many there are.
        ids: its tests.
        folder: what its sender and its worker share.
    """

    def __init__(self, number: int, of: int, ids: tuple[str, ...], folder: Path) -> None:
        self.number, self.of, self.ids, self.folder = number, of, ids, folder
        self.job: Job | None = None
        self.sends = 0
        self.again_at = 0.0
        self.runs: tuple[SuiteOutput, ...] = ()
        self.given_up = ""
        self.over = False
        self.heard = time.monotonic()
        self.moved = 0
        """How often whoever runs it gave it to another worker by itself."""
        self._execution = self._before = self._offset = 0

    def __str__(self) -> str:
        """Name it."""
        return f"shard {self.number} of {self.of}"

    @property
    def known(self) -> Shard:
        """Return what is known about it."""
        return Shard(self.number, self.ids, self.runs, self.given_up)

    @property
    def begun(self) -> bool:
        """Tell whether somebody runs it since it was last sent."""
        return self._execution > self._before

    def send(self, crew: Crew, deadline_s: float) -> None:
        """Send it, or what is left of it."""
        self.sends += 1
        self.heard = time.monotonic()
        self._before = self._execution
        self.job = crew.send(ShardOrder(number=self.number, of=self.of, folder=str(self.folder), deadline_s=deadline_s))

    def postpone(self, seconds: float) -> None:
        """Let it be sent again, a little later."""
        self.job, self.again_at, self._before = None, time.monotonic() + seconds, self._execution

    def news(self) -> list[tuple[str, Outcome, str]]:
        """Read the signs of life that came since the last time, and return the tests that ended, and why if badly."""
        lines = self._read()
        if (self.folder / str(self._execution + 1)).exists():
            self.moved += self.begun
            self._execution, self._offset = self._execution + 1, 0
            self.heard = time.monotonic()
            lines += self._read()
        return [(nodeid, Outcome(outcome), why) for nodeid, outcome, why in map(json.loads, filter(None, lines))]

    def settle(self, suite: Suite, why: str) -> str:
        """Read what it left behind.

        Returns:
            An empty text when that is its result, else why it is not.
        """
        order = SuiteOrder.model_validate_json((self.folder / ORDER).read_bytes())
        self.runs = take_over(self.folder, order, suite)
        last = self.runs[-1] if self.runs else None
        if last is None:
            return why or "it left no results"
        if last.finished and not left_over(self.ids, self.runs):
            return ""  # whatever became of its worker after that
        ended = last.finished or bool(last.stopped)
        return why or ("" if ended else f"its runner did not report its own end (exit code {last.exit_code})")

    def _read(self) -> list[bytes]:
        data = b""
        with suppress(FileNotFoundError), (self.folder / str(self._execution) / SIGNS).open("rb") as signs:
            signs.seek(self._offset)
            data = signs.read()
        whole = data[: data.rfind(b"\n") + 1]  # the last line may still be on its way
        if whole:
            self._offset += len(whole)
            self.heard = time.monotonic()
        return whole.split(b"\n")


class Oversight:
    """Follows shards.

    Args:
        suite: reads what executions left behind.
        crew: runs the shards.
        reruns: how often a lost shard is sent again.
        watcher: is told of each test's end.
        tell: is told in a line what became of each shard.
        silence_s: after so long without a sign of life a shard is lost.
    """

    def __init__(
        self,
        suite: Suite,
        crew: Crew,
        *,
        reruns: int,
        watcher: Watcher,
        tell: Callable[[str], None],
        silence_s: float = SILENCE_S,
    ) -> None:
        self._suite, self._crew, self._reruns, self._silence_s = suite, crew, reruns, silence_s
        self._watcher, self._tell = watcher, tell
        self._told: set[str] = set()
        self._stopped_at = self._helpless = math.inf
        self._beaten = self._asked = -math.inf
        self.stopped = ""
        """Why everything was stopped, if it was."""
        self.notes: list[str] = []
        """Which shards got lost."""

    def follow(self, shards: Sequence[Sent], folder: Path, deadline: float, halt: Halt) -> None:
        """Return when every shard is over; however this ends, all of them were told to.

        Args:
            shards: laid out, and not yet sent.
            folder: of all of them.
            deadline: by the monotonic clock; it is for `halt` to end the run there, with some grace for the shards.
            halt: is asked whether to stop.
        """
        self._folder, self._deadline = folder, deadline
        try:
            self._beat()
            for shard in shards:
                self._send(shard)
            self._until_over(shards, halt)
        except BaseException:
            self._stop("it was interrupted")
            self._until_over([shard for shard in shards if shard.job], never)
            raise

    def _until_over(self, shards: Sequence[Sent], halt: Halt) -> None:
        looked = time.monotonic()
        while going := [shard for shard in shards if not shard.over]:
            self._beat()
            asleep, looked = time.monotonic() - looked > self._silence_s / 2, time.monotonic()
            for shard in going:
                if asleep:  # this process stood still, and with it what it runs itself
                    shard.heard = looked
                self._look(shard)
            self._mind([shard for shard in going if not shard.over], halt)
            time.sleep(POLL_S)

    def _send(self, shard: Sent) -> None:
        shard.send(self._crew, max(self._deadline - time.monotonic(), 0.0) + GRACE_S)

    def _look(self, shard: Sent) -> None:
        """See how far a shard is."""
        self._relay(shard)
        if shard.job is None:
            if time.monotonic() >= shard.again_at:
                self._send(shard)
            return
        why = shard.job.ended()
        silent = time.monotonic() - shard.heard > self._silence_s
        if why is None and shard.begun and silent:
            why = f"its worker gave no sign of life for {self._silence_s:g} s"
        if why is not None:
            self._settle(shard, why)

    def _relay(self, shard: Sent) -> None:
        moved, news = shard.moved, shard.news()
        if shard.moved > moved:
            self._note(f"{shard} lost its worker; another one runs what was left of it")
        for nodeid, outcome, why in news:
            if nodeid not in self._told:
                self._told.add(nodeid)
                self._watcher.finished(nodeid, outcome, why)

    def _settle(self, shard: Sent, why: str) -> None:
        """Take a shard's results, send it again, or give it up."""
        if why and shard.job:
            shard.job.drop(why)
        why = shard.settle(self._suite, why)
        self._relay(shard)
        left = left_over(shard.ids, shard.runs)
        missing = f"{len(left)} of {len(shard.ids)} tests"
        shard.over = not why or bool(self.stopped) or shard.sends > self._reruns
        if not shard.over:
            self._note(f"{shard} was lost ({why}); {missing} were left, and it was run again")
            shard.postpone(self._silence_s / PAUSES * shard.sends)
        elif why:
            shard.given_up = why
            self._tell(f"{shard} is over ({why}): {missing} did not run")
        else:
            self._tell(f"{shard}: {done(shard.number, shard.runs)}")

    def _mind(self, going: Sequence[Sent], halt: Halt) -> None:
        """Stop when there is a reason, and do not wait for what will not come."""
        now = time.monotonic()
        waiting = [shard for shard in going if not shard.begun]
        if self.stopped:
            for shard in going if now - self._stopped_at > GRACE_S else waiting:
                self._settle(shard, self.stopped)
        elif why := halt():
            self._stop(why)
        elif waiting and now - self._asked > BEAT_S:
            self._asked = now
            self._help(waiting, now)

    def _help(self, waiting: Sequence[Sent], now: float) -> None:
        """Do not wait for ever where there is nobody."""
        trouble = self._crew.trouble()
        if trouble and math.isinf(self._helpless):
            self._tell(f"{len(waiting)} shards wait: {trouble}")
        self._helpless = min(self._helpless, now) if trouble else math.inf
        if now - self._helpless > PATIENCE_S:
            self._helpless = math.inf
            for shard in waiting:
                self._settle(shard, trouble)

    def _stop(self, why: str) -> None:
        self.stopped, self._stopped_at = self.stopped or why, min(self._stopped_at, time.monotonic())
        write_whole(self._folder / STOP, self.stopped)

    def _note(self, text: str) -> None:
        self.notes.append(text)
        self._tell(text)

    def _beat(self) -> None:
        """Let the shards know that somebody waits for them."""
        now = time.monotonic()
        if now - self._beaten >= BEAT_S:
            self._beaten = now
            with suppress(OSError):  # on a full disk shards go on for as long as they wait for a sign
                write_whole(self._folder / BEAT, str(now))
