"""In which ways a run is not complete. A run without gaps ran every test and agrees with itself."""

from __future__ import annotations

from collections.abc import Callable

from untilgreen.ports import SuiteOutput

SHOWN = 3
"""So many names in a sentence; the results hold all of them."""


def find_gaps(output: SuiteOutput, minimum: int) -> tuple[str, ...]:
    """Return each gap in words.

    Args:
        output: the first run of a suite; reruns concern its failures only.
        minimum: fewer collected tests than this are a gap.
    """
    found = [sentence for rule in RULES if (sentence := rule(output))]
    if len(output.collected) < minimum:
        found.append(f"{len(output.collected)} tests were collected; at least {minimum} are expected")
    return tuple(found)


def stopped_early(output: SuiteOutput) -> str:
    """Somebody or something ended the run."""
    return f"the run was stopped: {output.stopped}" if output.stopped else ""


def without_end(output: SuiteOutput) -> str:
    """The session never said that it was over, whatever the exit code claims."""
    if output.finished:
        return ""
    return f"the runner did not report its own end (exit code {output.exit_code})"


def not_collected(output: SuiteOutput) -> str:
    """A module that cannot be imported hides all its tests."""
    errors = [error.splitlines()[0] for error in output.collection_errors]
    return f"{len(errors)} modules could not be collected: {_some(errors)}" if errors else ""


def never_run(output: SuiteOutput) -> str:
    """Collected, and neither finished nor lost."""
    missing = [nodeid for nodeid in output.collected if nodeid not in output.attempts and nodeid not in output.lost]
    return f"{len(missing)} of {len(output.collected)} collected tests did not run: {_some(missing)}" if missing else ""


def lost(output: SuiteOutput) -> str:
    """Started, and nobody knows how it ended."""
    names = [f"{nodeid} ({why})" for nodeid, why in output.lost.items()]
    return f"{len(names)} tests started and did not end: {_some(names)}" if names else ""


def never_collected(output: SuiteOutput) -> str:
    """Results of tests that nobody collected mean that two lists of tests exist."""
    known = set(output.collected)
    strange = [nodeid for nodeid in output.attempts if nodeid not in known]
    return f"{len(strange)} tests finished without having been collected: {_some(strange)}" if strange else ""


def named_twice(output: SuiteOutput) -> str:
    """Two tests of one name overwrite each other's result."""
    twice = (
        sorted({nodeid for nodeid in output.collected if output.collected.count(nodeid) > 1})
        if _repeats(output)
        else []
    )
    return f"{len(twice)} names stand for more than one test: {_some(twice)}" if twice else ""


def exit_code_disagrees(output: SuiteOutput) -> str:
    """The exit code must say what the results say."""
    if output.stopped or not output.finished:
        return ""
    bad = any(attempt.outcome.bad for attempt in output.attempts.values())
    expected = 1 if bad or output.collection_errors else 0 if output.collected else 5
    if output.exit_code == expected:
        return ""
    return f"the runner's exit code is {output.exit_code}, and its results mean {expected}"


RULES: tuple[Callable[[SuiteOutput], str], ...] = (
    stopped_early,
    without_end,
    not_collected,
    never_run,
    lost,
    never_collected,
    named_twice,
    exit_code_disagrees,
)


def _repeats(output: SuiteOutput) -> bool:
    return len(set(output.collected)) != len(output.collected)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
