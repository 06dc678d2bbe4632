"""Writes the list of expected tests from the newest run that was complete."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from untilgreen.errors import ConfigError
from untilgreen.ledger import Ledger, write_whole
from untilgreen.model.document import Document
from untilgreen.model.suite import SuiteRun
from untilgreen.settings import FILE, parse
from untilgreen.suite import index
from untilgreen.suite.history import past_cycles


class Renewal(Document):
    """What was written."""

    file: str
    """Relative to the repository."""
    tests: int
    loop: str
    cycle: int
    """Whose run it is from."""
    new: tuple[str, ...]
    gone: tuple[str, ...]
    advice: str


def renew(repo: Path, state: Path) -> Renewal:
    """Write the list into the user's checkout, for them to look at and commit.

    Args:
        repo: the checkout. Its settings say where the list is.
        state: where the loops are.

    Raises:
        ConfigError: no run was complete yet, or there are no settings.
        EvidenceIncomplete: what a cycle left behind is damaged.
    """
    settings_file = repo / FILE
    if not settings_file.is_file():
        raise ConfigError(f"{settings_file}: it is not there. `untilgreen init` writes it.")
    named = parse(settings_file.read_text("utf-8")).suite.index
    file = repo / (named or index.DEFAULT)
    ledger, number = _newest_whole(state)
    after = [result.nodeid for result in ledger.results(number)]
    changed = index.change(_before(file), after)
    write_whole(file, index.render(after))
    shown = named or index.DEFAULT
    advice = "look at the difference and commit it" if named else f"set `suite.index: {shown}` in {FILE}, commit both"
    return Renewal(
        file=shown,
        tests=len(set(after)),
        loop=ledger.loop_id,
        cycle=number,
        new=changed.new,
        gone=changed.gone,
        advice=advice,
    )


def _newest_whole(state: Path) -> tuple[Ledger, int]:
    for past in reversed(past_cycles(state)):
        name = past.file.parent.name.removeprefix("cycle-")
        ledger = Ledger(state, past.file.parents[1].name)
        run = ledger.recall(int(name), SuiteRun) if name.isdigit() else None
        if run and (run.whole or run.complete):
            return ledger, int(name)
    raise ConfigError(
        f"{state}: no run of the whole suite was complete yet, and a list from half a run would expect half of the "
        f"tests. `untilgreen run` first; `untilgreen status` says what its run lacked."
    )


def _before(file: Path) -> tuple[str, ...]:
    """Return what the file lists now; nothing when it is not there or is to be mended."""
    with suppress(FileNotFoundError, ConfigError):
        return index.parse(file.read_text("utf-8", "replace"), file.name)
    return ()
