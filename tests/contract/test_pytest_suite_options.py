"""Options that a suite sets for itself: they work as under bare pytest, and blind nobody."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.contract.pytest_suite_orders import Remembering, order, outcomes, run, service
from untilgreen.adapters.pytest_launch import OUTPUT
from untilgreen.adapters.pytest_suite import PytestSuite, read_output
from untilgreen.model.suite import Outcome

SKIPS = """
    import unittest
    import pytest

    @pytest.mark.skip(reason="not here")
    def test_marked(): pass

    def test_inside(): pytest.skip("not now")

    @pytest.fixture
    def gone(): pytest.skip("not there")

    def test_by_a_fixture(gone): pass

    @pytest.mark.xfail(reason="known")
    def test_known(record_property):
        record_property("key", "value")
        print("said")
        assert not 1
"""


def test_a_suite_that_lists_its_skips_does(tmp_path: Path) -> None:
    """`-rsxX` prints each skip with its place and reason, as bare pytest does: reports come back as they were made."""
    output = run(tmp_path, {"test_it.py": SKIPS, "pytest.ini": "[pytest]\naddopts = -rsxX\n"})
    assert (output.exit_code, output.finished, output.stopped) == (0, True, "")
    assert list(outcomes(output).values()) == [Outcome.SKIPPED] * 3 + [Outcome.XFAILED]
    printed = (tmp_path / "suite" / OUTPUT).read_text()
    assert "SKIPPED [1] " in printed
    assert all(why in printed for why in ("not here", "not now", "not there", "known"))


def test_plain_asserts_blind_nobody(tmp_path: Path) -> None:
    """A suite that turns pytest's rewriting off, wherever it says so, still has its assertions counted."""
    tests = {
        "test_it.py": "def test_one(): assert [int(n) for n in '12'] == [1, 2]",
        "pytest.ini": "[pytest]\naddopts = --assert=plain\n",
    }
    output = run(tmp_path, tests, args=("--assert=plain",), env={"PYTEST_ADDOPTS": "--assert=plain"})
    (attempt,) = output.attempts.values()
    assert attempt.sighting is not None
    assert (attempt.outcome, attempt.sighting.assertions) == (Outcome.PASSED, 1)


HALVES = """
    import pytest

    def test_raises():
        print("half \\ud800 of a pair")
        raise ValueError("half \\ud83d of \\U0001f388 a pair \\\\ud800\\x1b[31m")

    def test_from_a_strange_place():
        place = __file__.replace("test_it", "h\\udcff")
        exec(compile("raise LookupError('gone')", place, "exec"))

    def test_skips():
        pytest.skip("half \\udfff of a pair")
"""


def test_half_a_pair_of_surrogates_costs_nothing(tmp_path: Path) -> None:
    """What is no text comes through escaped, wherever a test puts it: results, reasons, and both readings of them."""
    wanted, watcher = order(tmp_path, HALVES), Remembering()
    output = PytestSuite().run(wanted, watcher)
    ended = {nodeid.rpartition("::")[2]: attempt for nodeid, attempt in output.attempts.items()}
    assert [attempt.outcome for attempt in ended.values()].count(Outcome.FAILED) == 2
    failure = ended["test_raises"].failure
    assert failure is not None
    assert (failure.exception, failure.message) == ("ValueError", "half \\ud83d of \U0001f388 a pair \\ud800\x1b[31m")
    assert "half \\ud800 of a pair" in failure.text
    assert ended["test_skips"].skip_reason == "half \\udfff of a pair"
    assert read_output(wanted) == output
    assert output.model_dump_json()
    assert "could not be read" not in " ".join(output.notes)
    assert (
        watcher.whys["e2e/test_it.py::test_raises"] == "ValueError: half \\ud83d of \U0001f388 a pair \\ud800\\x1b[31m"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_nobody_else_reads_what_tests_print_while_they_run(tmp_path: Path) -> None:
    """The folder of a run is its owner's alone until secrets have been taken out of what lies in it."""
    look = """
        import os

        def test_folder():
            assert oct(os.stat(os.path.dirname(os.environ["UNTILGREEN_ORDER"])).st_mode) == "0o40700"
    """
    (tmp_path / "suite").mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    assert list(outcomes(run(tmp_path, look)).values()) == [Outcome.PASSED]
    assert oct((tmp_path / "suite").stat().st_mode) == "0o40755"


def test_what_xdist_would_keep_together_is_told(tmp_path: Path) -> None:
    """Groups are told by xdist's own rules, whoever set the option: a marker's before a scope's."""
    tests = {
        "test_it.py": """
            import pytest

            @pytest.mark.xdist_group("db")
            class TestA:
                def test_one(self): pass

                @pytest.mark.xdist_group(name="cache")
                def test_two(self): pass

            class TestB:
                def test_three(self): pass

            def test_four(): pass
        """,
        "pytest.ini": "[pytest]\naddopts = -p xdist --dist=loadscope\nmarkers =\n  xdist_group\n",
    }
    groups = run(tmp_path, tests, collect_only=True).groups
    assert {nodeid.rpartition("::")[2]: group for nodeid, group in groups.items()} == {
        "test_one": "group db",
        "test_two": "group cache_db",
        "test_three": "scope test_it.py::TestB",
        "test_four": "scope test_it.py",
    }


@pytest.mark.slow
def test_in_brief_what_a_test_met_outlives_it(tmp_path: Path) -> None:
    """Where nobody reads failures none is described, and a test that is ended while it waits is known to have asked."""
    tests = """
        import os, time
        import httpx

        def test_waits():
            httpx.get(os.environ["URL"] + "/500")
            time.sleep(60)

        def test_never_asks(): time.sleep(60)

        def test_fails(): assert [1, 2] == [2, 1]
    """
    with service() as asked:
        url = f"http://{asked.host}"
        output = run(tmp_path, tests, workers=3, brief=True, test_timeout_s=5, env={"URL": url}, hosts=(asked.host,))
    ended = {nodeid.rpartition("::")[2]: attempt for nodeid, attempt in output.attempts.items()}
    assert {name: attempt.outcome for name, attempt in ended.items()} == dict.fromkeys(ended, Outcome.FAILED)
    waits, never, fails = (ended[name] for name in ("test_waits", "test_never_asks", "test_fails"))
    assert waits.sighting is not None
    assert [(e.path, e.status, e.phase) for e in waits.sighting.exchanges] == [("/500", 500, "call")]
    assert never.sighting is None
    assert fails.failure is not None
    assert (fails.failure.exception, fails.failure.message, fails.failure.text) == ("AssertionError", "", "")
