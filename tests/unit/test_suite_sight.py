"""The witness never breaks what it watches."""

from __future__ import annotations

from untilgreen.witness.untilgreen_witness import sight
from untilgreen.witness.untilgreen_witness.exchanges import Recording


def test_a_fault_of_the_witness_stays_its_own() -> None:
    """What the witness cannot do is told and raises nothing."""

    @sight.harmless
    def look(thing: str) -> int:
        return int(thing)

    assert look("7") == 7
    assert look("seven") is None
    (fault,) = sight.FAULTS
    sight.FAULTS.clear()
    assert "ValueError" in fault


def test_what_cannot_be_described_is_not_recorded() -> None:
    """A request that the witness does not understand still runs."""
    with Recording(lambda _: None, "strange") as exchange:
        exchange.status = 200
    assert exchange.host == ""
