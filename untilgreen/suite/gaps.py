"""In which ways a run is not complete. A run without gaps ran every expected test and agrees with itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from untilgreen.ports import SuiteOutput

SHOWN = 3
"""So many names in a sentence; the results hold all of them."""


def find_gaps(output: SuiteOutput, minimum: int, *, index: Sequence[str] = (), asked: str = "") -> tuple[str, ...]:
    """Return each gap in words.

    Args:
        output: the first run of a suite; reruns concern its failures only.
        minimum: fewer collected tests than this are a gap.
        index: node id of every expected test; one that was not collected is a gap.
        asked: which part of the suite was asked for; empty for all of it. Of a part, neither the minimum nor the index
            can be expected: being a part is the gap.
    """
    return (*run_gaps(output), *expectation_gaps(output.collected, minimum, index, asked))


def run_gaps(output: SuiteOutput) -> tuple[str, ...]:
    """Return in which ways the run did not do what it set out to do."""
    return tuple(sentence for rule in RULES if (sentence := rule(output)))


def expectation_gaps(collected: Sequence[str], minimum: int, index: Sequence[str], asked: str) -> tuple[str, ...]:
    """Return what was expected of the suite and is not in it."""
    least = 1 if asked else minimum
    few = f"{len(collected)} tests were collected; at least {least} are expected" if len(collected) < least else ""
    part = f"only a part was asked for: {asked}" if asked else ""
    return tuple(filter(None, (few, part, "" if asked else _not_there(collected, index))))


def _not_there(collected: Sequence[str], index: Sequence[str]) -> str:
    there = frozenset(collected)
    missing = [nodeid for nodeid in index if nodeid not in there]
    return f"{len(missing)} of {len(index)} expected tests are not there: {some(missing)}" if missing else ""


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
    errors = [_headline(error) for error in output.collection_errors]
    return f"{len(errors)} modules could not be collected: {some(errors)}" if errors else ""


def left_out(output: SuiteOutput) -> str:
    """A module that skips itself because something is not installed hides its tests as well, and looks fine."""
    names = [f"{nodeid} ({why})" for nodeid, why in output.skipped_modules.items() if _IMPORT in why]
    return f"{len(names)} modules left themselves out: {some(names)}" if names else ""


def never_run(output: SuiteOutput) -> str:
    """Collected, and neither finished nor lost."""
    missing = [nodeid for nodeid in output.collected if nodeid not in output.attempts and nodeid not in output.lost]
    return f"{len(missing)} of {len(output.collected)} collected tests did not run: {some(missing)}" if missing else ""


def lost(output: SuiteOutput) -> str:
    """Started, and nobody knows how it ended."""
    names = [f"{nodeid} ({why})" for nodeid, why in output.lost.items()]
    return f"{len(names)} tests started and did not end: {some(names)}" if names else ""


def never_collected(output: SuiteOutput) -> str:
    """Results of tests that nobody collected mean that two lists of tests exist."""
    known = set(output.collected)
    strange = [nodeid for nodeid in output.attempts if nodeid not in known]
    return f"{len(strange)} tests finished without having been collected: {some(strange)}" if strange else ""


def named_twice(output: SuiteOutput) -> str:
    """Two tests of one name overwrite each other's result."""
    twice = sorted(nodeid for nodeid, count in Counter(output.collected).items() if count > 1)
    return f"{len(twice)} names stand for more than one test: {some(twice)}" if twice else ""


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
    left_out,
    never_run,
    lost,
    never_collected,
    named_twice,
    exit_code_disagrees,
)

_IMPORT = "could not import"
"""How pytest's `importorskip` begins its reason. A reason that an author wrote is enough, as it is for one test."""


def _headline(error: str) -> str:
    return next(iter(error.splitlines()), "(it gave no reason)")


def some(names: list[str]) -> str:
    """Name a few, and count the rest."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
