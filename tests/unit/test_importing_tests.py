"""Test reports of other runners: JUnit XML and pytest's report log, as pytest itself writes them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.foreign_files import TRACE
from untilgreen.importing.failures import failure_of, trace_in
from untilgreen.importing.junit import read_junit
from untilgreen.importing.report_log import read_report_log
from untilgreen.model.evidence import Case
from untilgreen.model.suite import Outcome
from untilgreen.redaction import Redactor

SUITE = f"""
import pytest

@pytest.fixture
def broken():
    raise OSError("no token")

@pytest.fixture
def leaving():
    yield
    raise OSError("cannot leave")

def ask():
    try:
        {{}}["agent"]
    except KeyError as error:
        raise RuntimeError("asked for nothing") from error

def test_passes(): pass
def test_fails():
    print("traceparent: 00-{TRACE}-{"b" * 16}-01")
    status = 403
    assert status == 200
def test_chain(): ask()
def test_setup(broken): pass
def test_teardown(leaving): pass
def test_skipped(): pytest.skip("not today")
@pytest.mark.xfail
def test_expected(): assert 1 == 2
class TestIn:
    @pytest.mark.parametrize("x", ["a::b/c"])
    def test_inside(self, x): raise ValueError("password=hunter2secret")
"""

RECORDER = """
import json

def pytest_configure(config):
    config.log = open("log.jsonl", "w")
    config.log.write(json.dumps({"$report_type": "SessionStart"}) + "\\n")

def pytest_report_to_log(config, report):
    data = config.hook.pytest_report_to_serializable(config=config, report=report)
    config.log.write(json.dumps(data) + "\\n")

class Recorder:
    def __init__(self, config): self.config = config
    def pytest_runtest_logreport(self, report): pytest_report_to_log(self.config, report)
    def pytest_collectreport(self, report): pytest_report_to_log(self.config, report)

def pytest_sessionstart(session): session.config.pluginmanager.register(Recorder(session.config))

def pytest_sessionfinish(session, exitstatus):
    session.config.log.write(json.dumps({"$report_type": "SessionFinish", "exitstatus": int(exitstatus)}) + "\\n")
    session.config.log.close()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run a small suite with both reports."""
    root = tmp_path_factory.mktemp("suite")
    (root / "e2e").mkdir()
    (root / "e2e/test_it.py").write_text(SUITE)
    (root / "e2e/test_broken.py").write_text("import nothing_of_this_name\n")
    (root / "conftest.py").write_text(
        RECORDER.replace("def pytest_report_to_log", "def _write").replace("pytest_report_to_log(", "_write(")
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--junitxml=junit.xml",
        "--continue-on-collection-errors",
        "-p",
        "no:cacheprovider",
    ]
    subprocess.run([*command, "--rootdir", root, "e2e"], cwd=root, capture_output=True, check=False)
    return root


def junit(file: Path) -> dict[str, Case]:
    """Read JUnit XML."""
    return {case.nodeid: case for case in read_junit(file, Redactor())[0]}


def report_log(file: Path) -> dict[str, Case]:
    """Read a report log."""
    return {case.nodeid: case for case in read_report_log(file, Redactor())[0]}


EXPECTED = {
    "e2e/test_it.py::test_passes": Outcome.PASSED,
    "e2e/test_it.py::test_fails": Outcome.FAILED,
    "e2e/test_it.py::test_chain": Outcome.FAILED,
    "e2e/test_it.py::test_setup": Outcome.ERROR,
    "e2e/test_it.py::test_teardown": Outcome.ERROR,
    "e2e/test_it.py::test_skipped": Outcome.SKIPPED,
    "e2e/test_it.py::test_expected": Outcome.XFAILED,
    "e2e/test_it.py::TestIn::test_inside[a::b/c]": Outcome.FAILED,
}


def test_report_log_outcomes(folder: Path) -> None:
    """Each test of a report log has its outcome, and a file that could not be collected is an error."""
    found = report_log(folder / "log.jsonl")
    assert {nodeid: case.outcome for nodeid, case in found.items() if nodeid in EXPECTED} == EXPECTED
    assert found["e2e/test_broken.py"].outcome is Outcome.ERROR
    assert len(found) == len(EXPECTED) + 1


def test_junit_outcomes(folder: Path) -> None:
    """JUnit XML gives the same outcomes under the same names."""
    found = junit(folder / "junit.xml")
    assert {nodeid: case.outcome for nodeid, case in found.items() if nodeid in EXPECTED} == EXPECTED
    assert len(found) == len(EXPECTED) + 1


@pytest.mark.parametrize("read", [junit, report_log])
def test_failures(folder: Path, read: object) -> None:
    """Both give the exception at the root of the explicit chain, its message, its lines, and the trace it names."""
    found = junit(folder / "junit.xml") if read is junit else report_log(folder / "log.jsonl")
    failed, chained = found["e2e/test_it.py::test_fails"], found["e2e/test_it.py::test_chain"]
    assert failed.failure is not None
    assert (failed.failure.exception, failed.failure.message) == ("AssertionError", "assert 403 == 200")
    (frame,) = failed.failure.frames
    assert (frame.path, frame.function, frame.source) == ("e2e/test_it.py", "test_fails", "assert status == 200")
    assert chained.failure is not None
    assert (chained.failure.exception, chained.failure.frames[-1].function) == ("KeyError", "ask")
    assert found["e2e/test_it.py::test_setup"].failure is not None
    inside = found["e2e/test_it.py::TestIn::test_inside[a::b/c]"].failure
    assert inside is not None
    assert "hunter2" not in inside.model_dump_json()


def test_traces(folder: Path) -> None:
    """The trace that a test printed joins it with the log; without one there is none."""
    found = report_log(folder / "log.jsonl")
    assert found["e2e/test_it.py::test_fails"].trace == TRACE
    assert found["e2e/test_it.py::test_chain"].trace == ""


@pytest.mark.parametrize(
    ("text", "trace"),
    [
        (f"traceparent: 00-{TRACE}-{'1' * 16}-01", TRACE),
        (f"X-Cloud-Trace-Context: {TRACE}/1;o=1", TRACE),
        (f'{{"trace_id": "{TRACE}"}}', TRACE),
        (f"trace=projects/p/traces/{TRACE}", TRACE),
        (f"sha {TRACE}", ""),
        (f"trace={TRACE}ff", ""),
        ("", ""),
    ],
)
def test_what_names_a_trace(text: str, trace: str) -> None:
    """Only what says that it is a trace is one."""
    assert trace_in(text) == trace


def test_a_cut_off_report(folder: Path, tmp_path: Path) -> None:
    """A report that breaks off gives what it holds and says so."""
    xml = (folder / "junit.xml").read_text("utf-8")
    (tmp_path / "half.xml").write_text(xml[: xml.index("test_setup")], "utf-8")
    cases, intake = read_junit(tmp_path / "half.xml", Redactor())
    assert len(cases) == intake.kept > 1
    assert intake.gap.startswith("the XML breaks off")


def test_a_session_that_never_ended(folder: Path, tmp_path: Path) -> None:
    """A log without its last line is not whole, and a test without its teardown is lost, not passed."""
    lines = (folder / "log.jsonl").read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "SessionFinish" not in line and '"when": "teardown"' not in line]
    (tmp_path / "half.jsonl").write_text("".join(kept) + '{"$report_type": "TestRep', "utf-8")
    cases, intake = read_report_log(tmp_path / "half.jsonl", Redactor())
    assert intake.gap.startswith("the session does not end")
    assert sum(intake.refused.values()) == 1
    assert {case.nodeid: case.outcome for case in cases}["e2e/test_it.py::test_passes"] is Outcome.LOST


def test_fewer_cases_than_promised(tmp_path: Path) -> None:
    """A report that says it has more tests than it holds is not whole."""
    (tmp_path / "r.xml").write_text(
        '<testsuite tests="3"><testcase name="a" classname="e2e.test_x"/><testcase/></testsuite>'
    )
    cases, intake = read_junit(tmp_path / "r.xml", Redactor())
    assert [case.nodeid for case in cases] == ["e2e/test_x.py::a"]
    assert intake.refused == {"a test case without a name": 1}
    assert intake.gap == "the report says that it has 3 tests, and holds 1"


def test_other_runners(tmp_path: Path) -> None:
    """A report of a runner that is not pytest gives its failures by type and message."""
    body = '<failure type="TimeoutError" message="page.goto: 30000ms exceeded">at login.spec.ts:7:3</failure>'
    case = f'<testcase name="logs in" classname="login.spec.ts" time="1,234.5">{body}</testcase>'
    (tmp_path / "r.xml").write_text(f'<testsuites><testsuite tests="1">{case}</testsuite></testsuites>')
    ((found,), _) = read_junit(tmp_path / "r.xml", Redactor())
    assert found.nodeid == "login.spec.ts::logs in"
    assert found.duration_s == 1234.5
    assert found.failure is not None
    assert (found.failure.exception, found.failure.message) == ("TimeoutError", "page.goto: 30000ms exceeded")


def test_odd_report_records(tmp_path: Path) -> None:
    """Records of unknown form in a report log are refused or taken as far as they go; nothing breaks."""
    records = [
        {"$report_type": "TestReport", "nodeid": "a", "when": "call", "outcome": "failed", "longrepr": 5, "start": "x"},
        {"$report_type": "TestReport", "nodeid": "b", "outcome": "failed", "longrepr": {"chain": [[None], 3]}},
        {"nodeid": "c"},
    ]
    (tmp_path / "log").write_text("\n".join(json.dumps(record) for record in records))
    cases, intake = read_report_log(tmp_path / "log", Redactor())
    assert [case.outcome.bad for case in cases] == [True, True]
    assert intake.refused == {"no record of a report log": 1}


def test_an_empty_report_of_a_failure() -> None:
    """A failure of which nothing is known but that it happened still is one."""
    failure = failure_of("", "", "call")
    assert (failure.exception, failure.message) == ("Failure", "Failure")
