"""One loop per environment: a row says who works on it, from the first deployment to the last approval.

    <state>/environments/<name>.json

Prefect's own limits do not reach so far: a suspended run gives its slot and its lease back.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from untilgreen.clock import Clock, SystemClock
from untilgreen.errors import EnvironmentTaken
from untilgreen.ledger import write_whole
from untilgreen.model.document import Document, Instant
from untilgreen.settings import Cloud

LEASE_S = 60.0
"""Who gave no sign of life for so long is taken for dead; clocks of machines may differ by seconds, not by more."""

_TURN_S = 0.01


class Tenant(Document):
    """Who works on an environment."""

    loop: str
    token: str
    """Tells two runs of one loop apart."""
    host: str
    pid: int
    since: Instant
    seen: Instant
    """The last sign of life."""
    until: Instant | None = None
    """While a person is asked: no sign of life is expected before then."""


class Environment:
    """Services of one project and region, which only one loop may change at a time.

    Args:
        state: where loops live; on several machines a folder that all of them see.
        name: of the environment.
        clock: tells the time.
    """

    def __init__(self, state: Path, name: str, clock: Clock | None = None) -> None:
        self.name = name
        self.file = state / "environments" / f"{name}.json"
        self._clock = clock or SystemClock()
        self._token = secrets.token_hex(8)
        self._turn = threading.Lock()

    def enter(self, loop: str, *, take_over: bool = False) -> None:
        """Become the tenant.

        Args:
            loop: which loop asks. A run of the same loop that is gone makes room at once.
            take_over: whether to turn out whoever is there.

        Raises:
            EnvironmentTaken: somebody else works here.
        """
        now = self._clock.now()
        me = Tenant(loop=loop, token=self._token, host=socket.gethostname(), pid=os.getpid(), since=now, seen=now)
        while not self._create(me):
            there = self.tenant()
            if there and not (take_over or self._gone(there, loop)):
                raise EnvironmentTaken(self._told(there))
            if there and self._replace(there, me):
                return

    def renew(self) -> None:
        """Give a sign of life.

        Raises:
            EnvironmentTaken: somebody else took over.
        """
        self._sign({})

    @contextmanager
    def asking(self, until: datetime) -> Iterator[None]:
        """Keep the environment while a person is asked, even when this process ends meanwhile.

        Raises:
            EnvironmentTaken: somebody else took over.
        """
        self._sign({"until": until})
        yield
        self._sign({"until": None})

    def leave(self) -> None:
        """Make room, unless somebody else took over."""
        there = self.tenant()
        if there and there.token == self._token:
            self.file.unlink(missing_ok=True)

    def tenant(self) -> Tenant | None:
        """Return who works here; None when nobody does.

        Raises:
            EnvironmentTaken: what is written there cannot be read.
        """
        try:
            return Tenant.model_validate_json(self.file.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            raise EnvironmentTaken(
                f"{self.file}: cannot be read. Remove it when no loop works on {self.name}."
            ) from None

    def _create(self, me: Tenant) -> bool:
        """Write the row if there is none: a link to a whole file appears at once, and only once."""
        draft = self.file.with_name(f".{self._token}")
        write_whole(draft, me.model_dump_json())
        try:
            os.link(draft, self.file)
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        return True

    def _replace(self, there: Tenant, me: Tenant) -> bool:
        """Put our row in the place of one that makes room. Of many who want to, one may: it made the mark first."""
        mark = self.file.with_name(f".{there.token}.left")
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            if self._old(mark):  # whoever made it died before the next line
                mark.unlink(missing_ok=True)
            self._clock.sleep(_TURN_S)
            return False
        try:
            now = self.tenant()
            same = now is not None and now.token == there.token
            if same:
                write_whole(self.file, me.model_dump_json())
            return same
        finally:
            mark.unlink()

    def _old(self, mark: Path) -> bool:
        try:
            return time.time() - mark.stat().st_mtime > LEASE_S
        except FileNotFoundError:
            return False

    def _sign(self, changes: dict[str, Any]) -> None:
        """Write our row again; the beat and the loop take turns, so that neither undoes the other's."""
        with self._turn:
            there = self.tenant()
            if there is None or there.token != self._token:
                raise EnvironmentTaken(self._told(there) if there else f"{self.file} is gone: somebody took over.")
            signed = there.model_copy(update={"seen": self._clock.now(), **changes})
            write_whole(self.file, signed.model_dump_json())

    def _gone(self, there: Tenant, loop: str) -> bool:
        """Tell whether whoever is there gives no sign of life any more."""
        now = self._clock.now()
        if there.until:
            return there.loop == loop or now > there.until
        dead = there.host == socket.gethostname() and not _alive(there.pid)
        return dead or now - there.seen > timedelta(seconds=LEASE_S)

    def _told(self, there: Tenant) -> str:
        waits = f", waiting for a person until {there.until:%Y-%m-%d %H:%M} UTC" if there.until else ""
        return (
            f"{self.name}: loop {there.loop} works on this environment (process {there.pid} on {there.host}, since "
            f"{there.since:%Y-%m-%d %H:%M:%S} UTC{waits}). Wait for it, or turn it out with --take-over."
        )


def environment_of(state: Path, cloud: Cloud) -> Environment:
    """Return the environment that settings name."""
    return Environment(state, f"{cloud.project}-{cloud.region}")


@contextmanager
def tenancy(
    environment: Environment, loop: str, *, take_over: bool = False, stays: tuple[type[BaseException], ...] = ()
) -> Iterator[Environment]:
    """Hold an environment while a loop works on it, with a sign of life every quarter of the lease.

    Args:
        environment: which one.
        loop: who works on it.
        take_over: whether to turn out whoever is there.
        stays: what ends this process but not the loop, such as a suspension until a person has answered.

    Raises:
        EnvironmentTaken: somebody else works there.
    """
    environment.enter(loop, take_over=take_over)
    done = threading.Event()
    beat = threading.Thread(target=_beat, args=(environment, done), name="tenancy", daemon=True)
    beat.start()
    leaves = True
    try:
        yield environment
    except stays:
        leaves = False
        raise
    finally:
        done.set()
        beat.join()
        if leaves:
            environment.leave()


def _beat(environment: Environment, done: threading.Event) -> None:
    while not done.wait(LEASE_S / 4):
        try:
            environment.renew()
        except EnvironmentTaken:
            return  # the loop itself looks before each cycle and each fix


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
