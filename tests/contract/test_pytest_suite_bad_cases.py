"""The table of bad cases: whatever tests do, the run ends, and each collected test has exactly one true outcome."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.contract.pytest_suite_orders import Remembering, order, running
from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.model.suite import Outcome, Result
from untilgreen.ports import SuiteOutput
from untilgreen.suite.gaps import find_gaps
from untilgreen.suite.outcomes import conclude

PASSED, FAILED = Outcome.PASSED, Outcome.FAILED
AROUND = """
import ctypes, os, pathlib, pytest, re, signal, socket, subprocess, sys, threading, time

def test_before():
    pass

{bad}

@pytest.mark.parametrize("n", range(5))
def test_after(n):
    pass
"""
"""Six good tests around a bad one."""


class Case(NamedTuple):
    """What a bad test does, how it must end, and what the run must say about it."""

    bad: str
    outcome: Outcome = FAILED
    words: str = ""
    """Expression that the failure's message must match."""


CASES = {
    "exits with 0": Case("def test_bad(): os._exit(0)", words="exit code 0"),
    "exits with 1": Case("def test_bad(): os._exit(1)", words="exit code 1"),
    "exits by exception": Case("def test_bad(): sys.exit(0)", words="0"),
    "segmentation fault": Case("def test_bad(): ctypes.string_at(0)", words="SIGSEGV|signal 11"),
    "killed by the system": Case(
        "def test_bad(): os.kill(os.getpid(), signal.SIGKILL)", words="SIGKILL.*memory|signal 9"
    ),
    "hangs": Case("def test_bad(): threading.Event().wait()", words="ran longer than"),
    "hangs in C": Case("def test_bad(): ctypes.PyDLL(None).sleep(60)", words="ran longer than"),
    "hangs in a regular expression": Case(
        "def test_bad(): re.match(r'(a+)+$', 'a' * 60 + 'b')", words="ran longer than"
    ),
    "hangs in a fixture's end": Case(
        """
@pytest.fixture
def slow():
    yield
    time.sleep(60)

def test_bad(slow): pass
""",
        words="ran longer than",
    ),
    "forks without end": Case(
        """
def test_bad():
    for _ in range(8):
        os.fork()  # so does each of the children
    time.sleep(60)
""",
        words="more than 60 processes",
    ),
    "forks and forgets": Case("def test_bad(): os.fork()", PASSED),
    "floods stdout": Case("def test_bad(): print('x' * 50_000_000)", PASSED),
    "floods stdout and fails": Case(
        "def test_bad():\n    print('x' * 50_000_000)\n    assert int('1') == 2", words="1 == 2"
    ),
    "floods the terminal": Case(
        "def test_bad():\n    for _ in range(50): os.write(sys.__stdout__.fileno(), b'x' * 1_000_000)", PASSED
    ),
    "prints what is no text": Case(
        "def test_bad():\n    os.write(1, bytes(range(256)) * 9)\n    assert int('1') == 2", words="1 == 2"
    ),
    "closes stdout": Case("def test_bad(): sys.stdout.close()"),
    "closes its output's descriptors": Case("def test_bad():\n    os.close(1)\n    os.close(2)", PASSED),
    "closes all descriptors": Case("def test_bad(): os.closerange(3, 4096)"),
    "replaces stdout": Case("def test_bad(): sys.stdout = sys.stderr = None", PASSED),
    "changes the folder": Case("def test_bad(tmp_path):\n    os.chdir(tmp_path)\n    tmp_path.rmdir()", PASSED),
    "leaves an alarm": Case("def test_bad(): signal.setitimer(signal.ITIMER_REAL, 0.05)", PASSED),
    "ignores signals": Case(
        """
def test_bad():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGABRT):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(60)
""",
        words="ran longer than",
    ),
    "leaves its session": Case("def test_bad():\n    if os.getpid() != os.getsid(0): os.setsid()", PASSED),
    "leaves a daemon": Case(
        """
def test_bad():
    code = "import os, time; os.setsid(); open(os.environ['PIDS'] + f'/{os.getpid()}', 'w'); time.sleep(60)"
    subprocess.Popen([sys.executable, "-S", "-c", code])
""",
        PASSED,
    ),
    "interrupts": Case("def test_bad(): raise KeyboardInterrupt"),
    "kills its group": Case("def test_bad(): os.killpg(0, signal.SIGKILL)", words="SIGKILL|signal 9"),
    "has a long name": Case(
        "@pytest.mark.parametrize('n', ['x' * 10_000])\ndef test_bad(n): assert n == 'y'", words="assert"
    ),
    "has a foreign name": Case(
        "@pytest.mark.parametrize('n', ['Łódź 🎈 \\ud800 \\x00'])\ndef test_bad(n): pass", PASSED
    ),
    "cannot show what failed": Case(
        """
class Shy:
    def __repr__(self): raise RuntimeError("no")
    def __eq__(self, other): return False
    __hash__ = None

def test_bad(): assert Shy() == Shy()
""",
    ),
    "fails without a text": Case(
        """
class Silent(Exception):
    def __str__(self): raise RuntimeError("no")

def test_bad(): raise Silent
""",
    ),
    "recurses without end": Case("def test_bad():\n    def deep(): deep()\n    deep()", words="recursion"),
}

TAMPERING = {
    "deletes the results": Case(
        """
def test_bad():
    folder = pathlib.Path(os.environ["UNTILGREEN_ORDER"]).parent
    for file in folder.iterdir():
        if file.is_file():
            file.unlink()
""",
        PASSED,
    ),
    "empties the results": Case(
        """
def test_bad():
    folder = pathlib.Path(os.environ["UNTILGREEN_ORDER"]).parent
    time.sleep(0.2)
    for file in folder.glob("*.jsonl"):
        os.truncate(file, 0)
""",
        PASSED,
    ),
    "writes into the results": Case(
        """
def test_bad():
    folder = pathlib.Path(os.environ["UNTILGREEN_ORDER"]).parent
    for file in folder.glob("*.jsonl"):
        with file.open("ab") as events:
            events.write(b'{"event": "end"}\\n[1]\\n{"half": ')
""",
        PASSED,
    ),
    "has no room for its files": Case(
        "def test_bad():\n    import resource\n    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))",
        words="no room for its own result|exit code 74",
    ),
}
"""What tests do to the files of the run itself; each in a run of its own."""

THREADED = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()"


def ended(tmp_path: Path, files: dict[str, str], **changes: Any) -> tuple[SuiteOutput, tuple[Result, ...]]:
    """Run a suite with a guard against too many processes, and return what came of each test."""
    (tmp_path / "pids").mkdir(exist_ok=True)
    wanted = order(tmp_path, files, test_timeout_s=3, env={"PIDS": str(tmp_path / "pids")}, **changes)
    output = PytestSuite(processes=60).run(wanted, Remembering())
    return output, conclude([output])


MODES = ["fork", pytest.param("serial", marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=MODES)
def everything(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SuiteOutput, tuple[Result, ...]]:
    """Run all bad tests in one suite, each among good ones in a file of its own."""
    folder = tmp_path_factory.mktemp(request.param)
    files = {f"test_{name.replace(' ', '_')}.py": AROUND.format(bad=case.bad) for name, case in CASES.items()}
    output = ended(folder, files | ({"conftest.py": THREADED} if request.param == "serial" else {}), workers=6)
    assert not [file for file in (folder / "pids").iterdir() if running(int(file.name))], "no daemon is left"
    return output


@pytest.mark.parametrize("name", list(CASES))
def test_a_bad_test_spoils_nothing_else(everything: tuple[SuiteOutput, tuple[Result, ...]], name: str) -> None:
    """The bad test has its own outcome, and the good ones around it pass."""
    file = f"e2e/test_{name.replace(' ', '_')}.py"
    check(CASES[name], tuple(result for result in everything[1] if result.nodeid.startswith(file)))


def test_a_run_full_of_bad_tests_is_complete(everything: tuple[SuiteOutput, tuple[Result, ...]]) -> None:
    """However many tests end their process, the run reaches its end and agrees with itself."""
    output, results = everything
    assert find_gaps(output, 7 * len(CASES)) == ()
    assert len(results) == 7 * len(CASES)
    assert output.exit_code == 1


@pytest.mark.parametrize("mode", ["fork", "serial"])
@pytest.mark.parametrize("name", list(TAMPERING))
def test_results_outlive_what_tests_do_to_them(tmp_path: Path, name: str, mode: str) -> None:
    """Whatever a test does to the files of the run, no outcome is lost or made up."""
    files = {"test_it.py": AROUND.format(bad=TAMPERING[name].bad)}
    output, results = ended(tmp_path, files | ({"conftest.py": THREADED} if mode == "serial" else {}))
    check(TAMPERING[name], results)
    assert find_gaps(output, 7) == ()
    assert output.exit_code == (1 if TAMPERING[name].outcome is FAILED else 0)


def check(case: Case, results: tuple[Result, ...]) -> None:
    """Compare what came of a bad test and its neighbours with what must come of them."""
    bad = [result for result in results if "test_bad" in result.nodeid]
    good = [result for result in results if "test_bad" not in result.nodeid]
    assert [result.outcome for result in bad] == [case.outcome]
    assert [result.outcome for result in good] == [PASSED] * 6
    if case.outcome is FAILED:
        failure = bad[0].attempts[-1].failure
        assert failure is not None
        assert re.search(case.words, failure.message)


def test_a_module_that_cannot_be_collected_hides_its_tests_only(tmp_path: Path) -> None:
    """One broken file of many is named as a gap, and the tests of all others have their outcome."""
    files = {f"test_{n}.py": "def test_runs(): pass" for n in range(5)} | {"test_bad.py": "1 / 0"}
    output, results = ended(tmp_path, files)
    assert Counter(result.outcome for result in results) == {PASSED: 5}
    (gap,) = find_gaps(output, 5)
    assert "e2e/test_bad.py" in gap


def test_a_module_that_leaves_itself_out_is_named(tmp_path: Path) -> None:
    """A module that skips itself while it is collected is named with its reason."""
    files = {"test_a.py": "def test_runs(): pass", "test_b.py": "import pytest\npytest.importorskip('nowhere_at_all')"}
    output, _ = ended(tmp_path, files)
    assert output.skipped_modules == {
        "e2e/test_b.py": "could not import 'nowhere_at_all': No module named 'nowhere_at_all'"
    }


TWICE = """
def pytest_collection_modifyitems(items):
    items += items
"""


@pytest.mark.parametrize("workers", [1, 3])
def test_of_two_results_under_one_name_the_worse_one_stands(tmp_path: Path, workers: int) -> None:
    """Tests that share a name are a gap, and a failure does not vanish behind a pass."""
    tests = """
        import pathlib

        def test_once(tmp_path_factory):
            mark = pathlib.Path(__file__).with_name("mark")
            known = mark.exists()
            mark.touch()
            assert known
    """
    output, results = ended(tmp_path, {"conftest.py": TWICE, "test_it.py": tests}, workers=workers)
    assert {result.outcome for result in results} == {FAILED}
    assert output.exit_code == 1
    assert [gap for gap in find_gaps(output, 1) if "stand for more than one test" in gap]


FULL = """
import resource, sys
from tests.contract.pytest_suite_orders import Remembering
from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.ports import SuiteOrder

resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
print(PytestSuite().run(SuiteOrder.model_validate_json(sys.stdin.read()), Remembering()).model_dump_json())
"""


def test_a_full_disk_ends_the_run(tmp_path: Path) -> None:
    """When results can no longer be written, the run ends and says why; what was known by then is not lost."""
    tests = "import pytest\n@pytest.mark.parametrize('n', range(400))\ndef test_runs(n): pass"
    wanted = order(tmp_path, tests).model_dump_json()
    runner = subprocess.run([sys.executable, "-c", FULL], input=wanted, capture_output=True, text=True, check=True)
    output = SuiteOutput.model_validate_json(runner.stdout)
    assert re.search("File too large|cannot write its results", output.stopped)
    results = conclude([output])
    assert len(results) == 400
    outcomes = {result.outcome for result in results}  # whether one was under way, and is lost, is chance
    assert {PASSED, Outcome.NOT_RUN} <= outcomes <= {PASSED, Outcome.NOT_RUN, Outcome.LOST}
    assert find_gaps(output, 400)
