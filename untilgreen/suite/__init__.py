"""Step suite: run the e2e tests, run failures again, and say in which ways the run is not complete."""

from untilgreen.suite.gaps import find_gaps
from untilgreen.suite.outcomes import conclude, is_flaky
from untilgreen.suite.step import not_run, read_results, record, run_suite

__all__ = ["conclude", "find_gaps", "is_flaky", "not_run", "read_results", "record", "run_suite"]
