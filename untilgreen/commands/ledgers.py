"""Which loop a command is about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from untilgreen.errors import ConfigError

if TYPE_CHECKING:
    from untilgreen.ledger import Ledger


def ledger_of(repo: Path, name: str) -> Ledger:
    """Return the loop of this name, or the newest one of a repository.

    Raises:
        ConfigError: there is none.
    """
    from untilgreen.ledger import STATE, Ledger, loops  # noqa: PLC0415 - keeps --help fast

    ledger = Ledger(repo / STATE, name) if name else next(loops(repo / STATE), None)
    if ledger is None:
        raise ConfigError(f"{repo / STATE}: no loop yet. `untilgreen run` begins one; --repo names another repository.")
    ledger.read()
    return ledger
