"""What PytestSuite reports is what happened, for every way in which a test or a run can end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.pytest_suite_orders import Remembering, order, outcomes, run
from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.errors import SuiteCrashed
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOutput
from untilgreen.suite.gaps import find_gaps

EVERY_END = """
    import pytest

    @pytest.fixture
    def broken():
        raise LookupError("no such account")

    @pytest.fixture
    def leaky():
        yield
        raise OSError("still open")

    def test_passes():
        assert len("ab") == 2

    def test_fails():
        status = int("403")
        assert status == 200

    def test_fails_from_a_cause():
        try:
            {}["token"]
        except KeyError as missing:
            raise RuntimeError("cannot sign in\\nsecond line") from missing

    def test_set_up_fails(broken):
        pass

    def test_teardown_fails(leaky):
        pass

    def test_both_fail(leaky):
        assert not leaky is None

    @pytest.mark.skip(reason="waits for the new plan")
    def test_skipped():
        pass

    def test_skips_itself():
        pytest.skip("no quota left")

    @pytest.mark.xfail(reason="known")
    def test_fails_as_expected():
        assert False

    @pytest.mark.xfail(reason="known")
    def test_passes_unexpectedly():
        pass

    @pytest.mark.xfail(reason="known", strict=True)
    def test_passes_strictly_unexpectedly():
        pass

    @pytest.mark.parametrize("name", ["Łódź", "a/b", "x y", "\\ud800"])
    def test_named(name):
        pass

    class TestGrouped:
        def test_method(self):
            print("seen")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the suite of every end lies."""
    return tmp_path_factory.mktemp("ends")


@pytest.fixture(scope="module")
def every_end(folder: Path) -> SuiteOutput:
    """Run the suite of every end, once."""
    return run(folder, EVERY_END, workers=3)


def summary(text: str) -> dict[str, int]:
    """Return the counts of pytest's last line."""
    counts = re.findall(r"(\d+) (\w+)", text.strip().splitlines()[-1].rpartition(" in ")[0])
    return {word: int(number) for number, word in counts}


def test_each_end_has_its_outcome(every_end: SuiteOutput) -> None:
    """Each way in which a test can end gives the outcome that pytest counts it as."""
    found = outcomes(every_end)
    assert {name: end for name, end in found.items() if name.isidentifier()} == {
        "test_passes": Outcome.PASSED,
        "test_fails": Outcome.FAILED,
        "test_fails_from_a_cause": Outcome.FAILED,
        "test_set_up_fails": Outcome.ERROR,
        "test_teardown_fails": Outcome.ERROR,
        "test_both_fail": Outcome.FAILED,
        "test_skipped": Outcome.SKIPPED,
        "test_skips_itself": Outcome.SKIPPED,
        "test_fails_as_expected": Outcome.XFAILED,
        "test_passes_unexpectedly": Outcome.XPASSED,
        "test_passes_strictly_unexpectedly": Outcome.FAILED,
        "test_method": Outcome.PASSED,
    }


def test_counts_are_pytests_own(every_end: SuiteOutput, folder: Path) -> None:
    """Reports that come from workers count as if pytest had run the tests itself."""
    bare = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "e2e"],
        cwd=folder / "checkout",
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert summary(every_end.output_tail) == summary(bare.stdout)
    assert every_end.exit_code == bare.returncode


def test_all_that_was_collected_finished(every_end: SuiteOutput) -> None:
    """A run whose tests all ended has no gap, whatever their names are made of."""
    assert set(every_end.collected) == set(every_end.attempts)
    assert len(every_end.collected) == 16
    assert find_gaps(every_end, 1) == ()
    assert (every_end.exit_code, every_end.finished, every_end.lost) == (1, True, {})


def test_a_failure_is_described_where_the_user_wrote_it(every_end: SuiteOutput) -> None:
    """A failure names the exception, its first line, and the user's own frame with its source."""
    failure = every_end.attempts["e2e/test_it.py::test_fails"].failure
    assert failure is not None
    assert (failure.phase, failure.exception, failure.message) == ("call", "AssertionError", "assert 403 == 200")
    (frame,) = failure.frames
    assert (frame.path, frame.function, frame.source) == ("e2e/test_it.py", "test_fails", "assert status == 200")
    assert "assert 403 == 200" in failure.text


def test_a_failure_names_its_root(every_end: SuiteOutput) -> None:
    """The exception at the root of an explicit `raise ... from` chain is the one that counts."""
    failure = every_end.attempts["e2e/test_it.py::test_fails_from_a_cause"].failure
    assert failure is not None
    assert (failure.exception, failure.message) == ("KeyError", "'token'")
    assert "RuntimeError: cannot sign in" in failure.text


def test_the_phase_that_failed_is_told(every_end: SuiteOutput) -> None:
    """Set-up, call and teardown failures are told apart; a call's own failure comes before its teardown's."""
    names = ("test_set_up_fails", "test_teardown_fails", "test_both_fail")
    failures = [every_end.attempts[f"e2e/test_it.py::{name}"].failure for name in names]
    assert [failure and failure.phase for failure in failures] == ["setup", "teardown", "call"]


def test_skips_tell_why(every_end: SuiteOutput) -> None:
    """A skip carries the reason that its author wrote."""
    reasons = [
        every_end.attempts[f"e2e/test_it.py::{name}"].skip_reason for name in ("test_skipped", "test_skips_itself")
    ]
    assert reasons == ["waits for the new plan", "no quota left"]


DEATHS = """
    import os, pytest, signal, time

    @pytest.fixture
    def dying():
        yield
        os._exit(3)

    def test_exits():
        os._exit(0)

    def test_crashes():
        os.kill(os.getpid(), signal.SIGSEGV)

    def test_hangs():
        time.sleep(60)

    def test_fails_and_dies(dying):
        assert int("1") == 2

    @pytest.mark.parametrize("n", range(12))
    def test_runs(n):
        pass
"""


@pytest.fixture(scope="module")
def deaths(tmp_path_factory: pytest.TempPathFactory) -> SuiteOutput:
    """Run the suite of deaths, once."""
    return run(tmp_path_factory.mktemp("deaths"), DEATHS, test_timeout_s=1)


def test_a_process_that_dies_fails_its_test_only(deaths: SuiteOutput) -> None:
    """Whatever ends a worker is the failure of the test that it ran; all others run, and nothing is lost."""
    found = outcomes(deaths)
    assert len(found) == 16
    assert {name for name, end in found.items() if end is Outcome.FAILED} == {
        "test_exits",
        "test_crashes",
        "test_hangs",
        "test_fails_and_dies",
    }
    assert find_gaps(deaths, 16) == ()


@pytest.mark.parametrize(
    ("test", "exception", "message", "place"),
    [
        ("test_exits", "ProcessDied", "the test ended its process with exit code 0", ""),
        ("test_crashes", "ProcessDied", "the test killed its process with SIGSEGV", "in test_crashes"),
        ("test_hangs", "TestTimedOut", "the test ran longer than 1 s", "in test_hangs"),
        ("test_fails_and_dies", "AssertionError", "assert 1 == 2", "in test_fails_and_dies"),
    ],
)
def test_a_death_is_described(deaths: SuiteOutput, test: str, exception: str, message: str, place: str) -> None:
    """The failure says how the process ended and where it was; what had failed before that comes first."""
    failure = deaths.attempts[f"e2e/test_it.py::{test}"].failure
    assert failure is not None
    assert (failure.exception, failure.message) == (exception, message)
    assert place in failure.text or failure.frames[0].function == test


def test_a_module_that_cannot_be_imported_hides_only_its_own_tests(tmp_path: Path) -> None:
    """A collection error is reported, the rest runs, and the run is not complete."""
    output = run(tmp_path, {"test_bad.py": "import nowhere_at_all", "test_good.py": "def test_runs(): pass"})
    assert outcomes(output) == {"test_runs": Outcome.PASSED}
    (error,) = output.collection_errors
    assert error.startswith("e2e/test_bad.py")
    assert "nowhere_at_all" in error
    assert output.exit_code == 1
    assert len(find_gaps(output, 1)) == 1


def test_nothing_to_collect_is_a_gap(tmp_path: Path) -> None:
    """No tests is an answer, and never a complete run."""
    output = run(tmp_path, "answer = 42")
    assert (output.collected, output.exit_code, output.finished) == ((), 5, True)
    assert find_gaps(output, 1) == ("0 tests were collected; at least 1 are expected",)


@pytest.mark.parametrize(
    ("tests", "changes", "words"),
    [
        ({"conftest.py": "raise RuntimeError('no staging today')"}, {}, "no staging today"),
        ("def test_runs(): pass", {"args": ("--no-such-option",)}, "--no-such-option"),
        ("def test_runs(): pass", {"python": "/nowhere/python"}, "/nowhere/python"),
        ("def test_runs(): pass", {"path": "nowhere"}, "nowhere"),
    ],
    ids=["conftest", "option", "interpreter", "path"],
)
def test_a_runner_that_cannot_start_is_a_crash(
    tmp_path: Path, tests: str | dict[str, str], changes: dict[str, object], words: str
) -> None:
    """When pytest ends before it has collected anything, the error says so with its last words."""
    with pytest.raises(SuiteCrashed, match=re.escape(words)):
        run(tmp_path, tests, **changes)


def test_only_some_tests_are_run(tmp_path: Path) -> None:
    """An order for some node ids runs these, numbered as the attempt that they are."""
    tests = """
        import pytest

        @pytest.mark.parametrize("n", range(5))
        def test_runs(n):
            pass
    """
    wanted = ("e2e/test_it.py::test_runs[1]", "e2e/test_it.py::test_runs[3]")
    output = run(tmp_path, tests, only=wanted, attempt=2)
    assert output.collected == wanted
    assert {attempt.number for attempt in output.attempts.values()} == {2}


def test_a_flood_of_output_is_bounded(tmp_path: Path) -> None:
    """A failing test that prints megabytes keeps head and tail of it."""
    output = run(
        tmp_path, "def test_floods():\n    print('first' + 'x' * 5_000_000 + 'last')\n    assert int('1') == 2\n"
    )
    failure = output.attempts["e2e/test_it.py::test_floods"].failure
    assert failure is not None
    assert len(failure.text) <= 20_000
    assert "assert 1 == 2" in failure.text
    assert failure.text.rstrip().endswith("last")


def test_the_watcher_hears_of_every_test(tmp_path: Path) -> None:
    """Whoever watches is told the total once and each end as it comes."""
    watcher = Remembering()
    output = PytestSuite().run(order(tmp_path, EVERY_END), watcher)
    assert watcher.total == [16]
    assert watcher.ended == {nodeid: attempt.outcome for nodeid, attempt in output.attempts.items()}


def test_leaving_the_session_from_a_test_is_no_complete_run(tmp_path: Path) -> None:
    """pytest.exit in a test ends the run: that test is lost, what did not run is a gap."""
    tests = """
        import pytest

        def test_leaves():
            pytest.exit("staging is gone")

        @pytest.mark.parametrize("n", range(50))
        def test_runs(n):
            pass
    """
    output = run(tmp_path, tests, workers=1)
    assert "staging is gone" in output.stopped
    assert list(output.lost) == ["e2e/test_it.py::test_leaves"]
    assert len(output.attempts) < 50
    assert find_gaps(output, 1)


def test_a_failure_that_a_plugin_runs_again_is_not_hidden(tmp_path: Path) -> None:
    """A plugin that repeats failing tests inside the run leaves its first execution to be seen."""
    repeating = """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            item.config.get_terminal_writer().line("plugins may write here")
            for last in (False, True):
                reports = runtestprotocol(item, nextitem=nextitem, log=False)
                for report in reports:
                    again = report.failed and not last
                    report.outcome = "rerun" if again else report.outcome
                    item.ihook.pytest_runtest_logreport(report=report)
                if not any(report.outcome == "rerun" for report in reports):
                    return True
    """
    tests = """
        import itertools
        ONCE = itertools.count()

        def test_flaky():
            assert next(ONCE) == 1
    """
    output = run(tmp_path, {"conftest.py": repeating, "test_it.py": tests})
    assert outcomes(output) == {"test_flaky": Outcome.PASSED}
    ((first,),) = output.earlier.values()
    assert first.outcome is Outcome.FAILED
    assert first.failure is not None
    assert first.failure.message == "assert 0 == 1"


def test_options_of_a_project_around_the_checkout_do_not_count(tmp_path: Path) -> None:
    """A checkout without options of its own takes none from the folders above it, and its node ids start at itself."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('not ours')")
    output = run(tmp_path, "def test_runs(): pass")
    assert output.collected == ("e2e/test_it.py::test_runs",)


def test_our_own_environment_stays_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' interpreter sees the order's variables and no Python path of ours."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "ours"))
    tests = """
        import os, sys

        def test_environment():
            assert os.environ["BACKEND_URL"] == "https://backend.example"
            assert not any(path.endswith("/ours") for path in sys.path)
            assert os.getcwd().endswith("/checkout")
    """
    output = run(tmp_path, tests, env={"BACKEND_URL": "https://backend.example"})
    assert outcomes(output) == {"test_environment": Outcome.PASSED}
    assert os.environ["PYTHONPATH"].endswith("/ours")
