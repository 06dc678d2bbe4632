"""Which test somebody means."""

from __future__ import annotations

from collections.abc import Sequence

from untilgreen.errors import ConfigError
from untilgreen.model.evidence import Case

_SHOWN = 10


def chosen(cases: Sequence[Case], name: str) -> Case:
    """Return the one test that a name means: a whole node id, its end, or any part of it.

    Of several that fit, the only failing one is meant.

    Raises:
        ConfigError: none fits, or several do.
    """
    ranks = (
        [case for case in cases if case.nodeid == name],
        [case for case in cases if case.nodeid.endswith((f"/{name}", f"::{name}"))],
        [case for case in cases if name in case.nodeid],
    )
    fitting = next((found for found in ranks if found), [])
    bad = [case for case in fitting if case.outcome.bad]
    if len({case.nodeid for case in bad or fitting}) == 1:
        return (bad or fitting)[-1]
    if not fitting:
        raise ConfigError(f"{name}: no test of this cycle is called so. `untilgreen report` lists the failing ones.")
    names = sorted({case.nodeid for case in bad or fitting})
    more = f"\n  and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise ConfigError("\n  ".join([f"{name}: several tests are called so. Name one:", *names[:_SHOWN]]) + more)
