"""Where forking is not safe, xdist runs the tests if it is there, else they run one at a time; each has its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.contract.pytest_suite_orders import outcomes, run
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOutput
from untilgreen.suite.gaps import find_gaps

THREADED = """
    import threading

    def pytest_sessionstart():
        threading.Thread(target=threading.Event().wait, name="my-mock-server", daemon=True).start()
"""

DEATHS = """
    import ctypes, os, pytest, signal, time

    @pytest.fixture(scope="module")
    def shared():
        yield "account"

    def test_before(shared):
        assert len(shared) == 7

    def test_exits():
        os._exit(0)

    def test_crashes():
        os.kill(os.getpid(), signal.SIGSEGV)

    def test_fails(shared):
        assert shared == "nothing"

    def test_hangs_in_c():
        ctypes.PyDLL(None).sleep(60)

    def test_interrupts():
        raise KeyboardInterrupt

    @pytest.mark.parametrize("n", range(6))
    def test_runs(n, shared):
        assert n < 6
"""

MODES: dict[str, Mapping[str, Any]] = {
    "fork": {},
    "serial": {"workers": 1},
    "xdist": {"args": ("-p", "xdist"), "workers": 2},
}


@pytest.fixture(params=list(MODES), scope="module")
def deaths(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SuiteOutput:
    """Run the suite of deaths in one way."""
    files = {"test_it.py": DEATHS} | ({} if request.param == "fork" else {"conftest.py": THREADED})
    return run(tmp_path_factory.mktemp(request.param), files, test_timeout_s=1, **MODES[request.param])


def test_only_the_culprits_fail(deaths: SuiteOutput) -> None:
    """Whatever ends a process, in every mode the test that did it failed, all others have their own outcome."""
    found = outcomes(deaths)
    assert len(found) == len(deaths.collected) == 12
    bad = {"test_exits", "test_crashes", "test_fails", "test_hangs_in_c", "test_interrupts"}
    assert {name for name, end in found.items() if end is Outcome.FAILED} == bad
    assert {end for name, end in found.items() if name not in bad} == {Outcome.PASSED}
    assert find_gaps(deaths, 12) == ()
    assert deaths.exit_code == 1


def test_a_time_out_shows_where_it_hung(deaths: SuiteOutput) -> None:
    """A test that takes too long, even in C code that holds the interpreter, fails with the dump of its threads."""
    failure = deaths.attempts["e2e/test_it.py::test_hangs_in_c"].failure
    assert failure is not None
    assert (failure.exception, failure.message) == ("TestTimedOut", "the test ran longer than 1 s")
    assert "in test_hangs_in_c" in failure.text


def test_a_crash_shows_where_it_was(deaths: SuiteOutput) -> None:
    """A test that kills its process fails with what faulthandler wrote about it."""
    failure = deaths.attempts["e2e/test_it.py::test_crashes"].failure
    assert failure is not None
    assert failure.exception == "ProcessDied"
    assert "in test_crashes" in failure.text


def test_the_mode_is_told(tmp_path: Path) -> None:
    """A note says in which way the tests ran, and why not in workers of our own."""
    tests = {"conftest.py": THREADED, "test_it.py": "def test_runs(): pass"}
    alone = run(tmp_path, tests)
    assert alone.notes == ("one test at a time, because threads run already (my-mock-server)",)
    shared = run(tmp_path, tests, args=("-p", "xdist"))
    assert shared.notes == ("tests run in xdist's own workers, because threads run already (my-mock-server)",)
    assert shared.exit_code == 0
    assert find_gaps(shared, 1) == ()


def test_xdist_that_disagrees_with_itself_is_no_end(tmp_path: Path) -> None:
    """When xdist's workers do not collect the same tests, those that it leaves run one at a time."""
    tests = """
        import os, pytest

        @pytest.mark.parametrize("name", ["all", os.environ.get("PYTEST_XDIST_WORKER", "alone")])
        def test_named(name):
            pass
    """
    output = run(tmp_path, {"conftest.py": THREADED, "test_it.py": tests}, args=("-p", "xdist"))
    assert set(outcomes(output).values()) == {Outcome.PASSED}
    assert "e2e/test_it.py::test_named[alone]" in output.attempts
    assert any(note.startswith("one test at a time") for note in output.notes)


def test_a_death_of_the_whole_run_is_survived(tmp_path: Path) -> None:
    """A test that kills the process above it ends all workers; what had no end yet is run again, one at a time."""
    tests = """
        import os, pytest, signal

        @pytest.mark.parametrize("n", range(20))
        def test_runs(n):
            pass

        def test_kills():
            if "PYTEST_XDIST_WORKER" in os.environ:
                os.kill(os.getppid(), signal.SIGKILL)
            os._exit(5)
    """
    output = run(tmp_path, tests)
    found = outcomes(output)
    assert len(found) == 21
    assert [name for name, end in found.items() if end is not Outcome.PASSED] == ["test_kills"]
    assert find_gaps(output, 21) == ()
    failure = output.attempts["e2e/test_it.py::test_kills"].failure
    assert failure is not None
    assert "exit code 5" in failure.message


def test_starting_again_must_come_to_an_end(tmp_path: Path) -> None:
    """When pytest dies again and again without a test to blame, the rest is not run, and the run says why."""
    dying = """
        import os

        def pytest_collection_finish(session):
            os._exit(9)
    """
    output = run(tmp_path, {"conftest.py": dying, "test_it.py": "def test_runs(): pass"})
    assert output.attempts == {}
    assert "exit code 9" in output.stopped
    assert find_gaps(output, 1)
