"""Every test is counted as bare pytest counts it, in forked workers, in xdist's, and one at a time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.contract.pytest_suite_orders import order, run
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOutput
from untilgreen.suite.gaps import find_gaps

MIXED = {
    "conftest.py": """
        import pytest

        @pytest.fixture(scope="session")
        def account():
            yield {"name": "nobody"}

        @pytest.fixture(scope="session")
        def gone():
            raise LookupError("no such account")

        @pytest.fixture(params=["tea", "milk"])
        def drink(request):
            return request.param
    """,
    "test_fixtures.py": """
        import pytest

        @pytest.fixture(scope="module", params=[1, 2])
        def server(request, account):
            yield request.param

        @pytest.fixture
        def leaky():
            yield
            raise OSError("still open")

        def test_uses(server, drink): pass
        def test_session(account): assert account["name"] == "nobody"
        def test_set_up_fails(gone): pass
        def test_set_up_fails_again(gone): pass
        def test_teardown_fails(leaky): pass
        def test_both_fail(leaky): assert len("ab") == 3
        def test_skips_in_teardown_too(leaky): pytest.skip("no quota left")
    """,
    "test_marks.py": """
        import pytest

        @pytest.mark.skip(reason="waits for the new plan")
        def test_skipped(): pass

        @pytest.mark.skipif("1 == 1", reason="not here")
        def test_skipped_if(): pass

        def test_skips_itself(): pytest.skip("no quota left")

        @pytest.mark.xfail(reason="known")
        def test_fails_as_expected(): assert len("ab") == 3

        @pytest.mark.xfail(reason="known")
        def test_passes_unexpectedly(): pass

        @pytest.mark.xfail(reason="known", strict=True)
        def test_passes_strictly_unexpectedly(): pass

        @pytest.mark.xfail(reason="known", raises=KeyError)
        def test_fails_otherwise(): assert len("ab") == 3

        @pytest.mark.xfail(reason="known", run=False)
        def test_not_even_run(): raise SystemExit

        @pytest.mark.xfail(reason="known")
        def test_set_up_fails_as_expected(gone): pass

        def test_gives_up(): pytest.xfail("not yet")

        WITH_MARKS = [pytest.param(1, marks=pytest.mark.xfail), pytest.param(2, marks=pytest.mark.skip)]

        @pytest.mark.parametrize("n", [0, *WITH_MARKS])
        def test_parametrized(n): assert n == 0

        @pytest.mark.parametrize("n", [])
        def test_nothing_to_try(n): pass
    """,
    "test_classes.py": """
        import unittest, pytest

        class TestPlain:
            @classmethod
            def setup_class(cls): cls.opened = True
            def test_passes(self): assert self.opened
            def test_fails(self): assert not self.opened

        class TestBroken:
            @classmethod
            def setup_class(cls): raise RuntimeError("no class today")
            def test_one(self): pass
            def test_two(self): pass

        class Old(unittest.TestCase):
            def setUp(self): self.opened = True
            def test_passes(self): self.assertTrue(self.opened)
            def test_fails(self): self.assertFalse(self.opened)
            def test_raises(self): {}["token"]
            def test_skips(self): self.skipTest("later")
            @unittest.skip("never")
            def test_skipped(self): pass
            @unittest.expectedFailure
            def test_fails_as_expected(self): self.fail()
            @unittest.expectedFailure
            def test_passes_unexpectedly(self): pass
            def test_parts(self):
                for n in range(4):
                    with self.subTest(n=n):
                        self.assertNotEqual(n % 2, 1)
            def test_good_parts(self):
                for n in range(3):
                    with self.subTest(n=n): self.assertLess(n, 3)

        class OldBroken(unittest.TestCase):
            @classmethod
            def setUpClass(cls): raise RuntimeError("no class today")
            def test_one(self): pass

        class Asynchronous(unittest.IsolatedAsyncioTestCase):
            async def asyncSetUp(self): self.opened = True
            async def test_passes(self): self.assertTrue(self.opened)
            async def test_fails(self): self.assertFalse(self.opened)
    """,
    "test_parts.py": """
        import pytest

        def test_parts(subtests):
            for n in range(4):
                with subtests.test("part", n=n):
                    assert n % 2 == 0

        def test_good_parts(subtests):
            for n in range(3):
                with subtests.test(n=n): assert n < 3

        def test_skipped_parts(subtests):
            with subtests.test("skipped"): pytest.skip("not this part")
            with subtests.test("run"): pass

        def test_fails_after_its_parts(subtests):
            with subtests.test("good"): pass
            assert len("ab") == 3
    """,
    "test_async.py": """
        import pytest

        @pytest.mark.anyio
        async def test_passes(): pass

        @pytest.mark.anyio
        async def test_fails(): assert len("ab") == 3

        @pytest.fixture(params=["asyncio"])
        def anyio_backend(request): return request.param

        async def test_nobody_awaits(): pass
    """,
}

REPORTING = """
import json, os, pytest

@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_report_teststatus(report):
    before = (yield).get_result()
    with open(os.environ["WORDS"], "a") as out:
        out.write(json.dumps([report.nodeid, report.when, hasattr(report, "context"), before[0]]) + "\\n")
"""
"""Writes down by which word pytest's own summary counts each report."""


def bare(folder: Path) -> tuple[dict[str, Outcome], subprocess.CompletedProcess[str]]:
    """Run pytest alone, and return by test what its summary makes of it."""
    (folder / "plugin").mkdir()
    (folder / "plugin" / "reporting.py").write_text(REPORTING)
    words = folder / "words.jsonl"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "reporting", "-p", "anyio", "-p", "no:cacheprovider", "e2e"],
        cwd=folder / "checkout",
        env={
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(folder / "plugin"),
            "WORDS": str(words),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    counted: dict[str, list[tuple[str, str]]] = {}
    for line in words.read_text().splitlines():
        nodeid, when, part, word = json.loads(line)
        if word and not (part and word != "failed"):
            counted.setdefault(nodeid, []).append((when, word))
    return {nodeid: one(words) for nodeid, words in counted.items()}, done


def one(words: list[tuple[str, str]]) -> Outcome:
    """Return the outcome of a test from the words by which its reports are counted."""
    found = {word for _, word in words}
    for word in ("failed", "error", "xfailed", "xpassed", "skipped"):
        if word in found:
            return Outcome(word)
    return Outcome.PASSED


def summary(text: str) -> dict[str, int]:
    """Return the counts of pytest's last line."""
    (line,) = [line for line in text.splitlines() if re.search(r"\d+ passed.* in ", line)]
    return {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", line.rpartition(" in ")[0])}


MODES: dict[str, dict[str, Any]] = {
    "fork": {"workers": 3},
    "xdist": {"args": ("-p", "anyio", "-p", "xdist")},
    "serial": {},
}
THREADED = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Outcome], subprocess.CompletedProcess[str]]:
    """Run the mixed suite with bare pytest, once."""
    folder = tmp_path_factory.mktemp("bare")
    order(folder, MIXED)
    return bare(folder)


@pytest.fixture(scope="module", params=list(MODES))
def counted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SuiteOutput:
    """Run the mixed suite in one way."""
    files = dict(MIXED)
    if request.param != "fork":
        files["conftest.py"] = THREADED + textwrap.dedent(MIXED["conftest.py"])
    return run(tmp_path_factory.mktemp(request.param), files, **{"args": ("-p", "anyio"), **MODES[request.param]})


def test_each_test_is_counted_as_by_pytest(
    counted: SuiteOutput, expected: tuple[dict[str, Outcome], subprocess.CompletedProcess[str]]
) -> None:
    """Test by test, the outcome is the one by which bare pytest counts it."""
    ended = {nodeid: attempt.outcome for nodeid, attempt in counted.attempts.items()}
    assert ended == expected[0]
    assert set(counted.collected) == set(ended)


def test_the_run_agrees_with_pytest(
    counted: SuiteOutput, expected: tuple[dict[str, Outcome], subprocess.CompletedProcess[str]]
) -> None:
    """The exit code and pytest's own summary are those of bare pytest, and nothing is missing."""
    assert counted.exit_code == expected[1].returncode == 1
    assert summary(counted.output_tail) == summary(expected[1].stdout)
    assert find_gaps(counted, len(expected[0])) == ()


def test_skips_carry_their_reasons(counted: SuiteOutput) -> None:
    """Whoever skips a test, its reason is known."""
    reasons = {
        nodeid.rpartition("::")[2]: attempt.skip_reason
        for nodeid, attempt in counted.attempts.items()
        if attempt.outcome is Outcome.SKIPPED
    }
    assert all(reasons.values())
    assert reasons["test_skipped_if"] == "not here"
    assert reasons["test_skips"] == "later"
