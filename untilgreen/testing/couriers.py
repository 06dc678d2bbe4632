"""A courier in memory."""

from __future__ import annotations

from untilgreen.model.notice import Notice


class FakeCourier:
    """Keeps what it is given.

    Args:
        failing: places in the settings, from 0, whose address does not answer.
        addresses: how many there are.
    """

    def __init__(self, addresses: int = 1, failing: frozenset[int] = frozenset()) -> None:
        self.delivered: list[Notice] = []
        """What arrived, once for each address that answers."""
        self._addresses = addresses
        self._failing = failing

    def deliver(self, notice: Notice) -> tuple[str, ...]:
        """Keep a notice; return which addresses could not be reached."""
        self.delivered += [notice] * len(set(range(self._addresses)) - self._failing)
        return tuple(f"notify.urls.{number}: it did not take the notice" for number in sorted(self._failing))
