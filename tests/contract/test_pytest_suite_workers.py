"""Forked workers behave like separate runs of pytest, and where forking is not safe the tests still run."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from tests.contract.pytest_suite_orders import outcomes, run, service
from untilgreen.model.suite import Outcome
from untilgreen.suite.gaps import find_gaps

APART = {
    "conftest.py": """
        import os, pytest

        def pytest_configure(config):
            config.addinivalue_line("markers", "xdist_group(name): stay together")

        @pytest.fixture(scope="session")
        def mine():
            return {"pid": os.getpid()}
    """,
    "test_apart.py": """
        import os, random, time, pytest

        FIRST = random.random()

        @pytest.mark.parametrize("n", range(24))
        def test_capture(n, capfd, mine):
            assert mine["pid"] == os.getpid()
            print(f"this is {n}", flush=True)
            time.sleep(0.002)
            os.system(f"echo that is {n}")
            assert capfd.readouterr().out == f"this is {n}\\nthat is {n}\\n"

        @pytest.mark.parametrize("n", range(8))
        def test_folder(n, tmp_path):
            (tmp_path / "file").touch()
            assert len(list(tmp_path.iterdir())) == 1

        @pytest.mark.parametrize("n", range(8))
        def test_random(n, record_property):
            print(f"random {random.random()} worker {os.environ['PYTEST_XDIST_WORKER']}")
            assert False
    """,
    "test_together.py": """
        import os, time, pytest

        @pytest.mark.parametrize("n", range(12))
        @pytest.mark.parametrize("group", ["red", "blue"])
        def test_group(group, n):
            time.sleep(0.001)
            print(f"group {group} in {os.getpid()}")
            assert False
        test_group = pytest.mark.xdist_group("all")(test_group)
    """,
}


WITHOUT_TCP_INFO = """
import socket
known = socket.socket.getsockopt

def getsockopt(self, level, option, *size):
    if (level, option) == (socket.IPPROTO_TCP, 11):
        raise OSError("no such option")
    return known(self, level, option, *size)

socket.socket.getsockopt = getsockopt
"""


def test_workers_share_nothing(tmp_path: Path) -> None:
    """Captured output, temporary folders, session fixtures and random numbers are each worker's own."""
    output = run(tmp_path, APART, workers=4)
    ended = outcomes(output)
    assert {end for name, end in ended.items() if name.startswith(("test_capture", "test_folder"))} == {Outcome.PASSED}
    texts = [attempt.failure.text for attempt in output.attempts.values() if attempt.failure]
    drawn = [found[1] for text in texts if (found := re.search(r"^random (\S+)", text, re.MULTILINE))]
    assert len(set(drawn)) == len(drawn) == 8
    grouped = {found[1] for text in texts if (found := re.search(r"^group \S+ in (\d+)", text, re.MULTILINE))}
    assert len(grouped) == 1, "what xdist would keep together stays together"
    assert find_gaps(output, 64) == ()


def test_a_suite_made_for_xdist_runs_here(tmp_path: Path) -> None:
    """Options of xdist are understood: its workers are replaced by ours, its names and its grouping stay."""
    tests = {
        f"test_{letter}.py": """
            import os, pytest, time

            @pytest.mark.parametrize("n", range(6))
            def test_named(n, worker_id, testrun_uid):
                time.sleep(0.002)
                print(f"file {os.path.basename(__file__)} in {worker_id}")
                assert worker_id == os.environ["PYTEST_XDIST_WORKER"]
                assert n < 0
        """
        for letter in "abcd"
    }
    output = run(tmp_path, tests, args=("-p", "xdist", "-n", "3", "--dist", "loadfile"), workers=4)
    places: dict[str, set[str]] = defaultdict(set)
    for attempt in output.attempts.values():
        assert attempt.failure is not None
        found = re.search(r"^file (\S+) in (gw\d)", attempt.failure.text, re.MULTILINE)
        assert found is not None
        places[found[1]].add(found[2])
    assert len(output.attempts) == 24
    assert all(len(workers) == 1 for workers in places.values())
    assert find_gaps(output, 24) == ()


def test_connections_that_were_open_before_are_not_shared(tmp_path: Path) -> None:
    """A client that talked while tests were collected connects anew in each worker."""
    tests = """
        import os, httpx, pytest

        CLIENT = httpx.Client(base_url=os.environ["URL"])
        CLIENT.get("/early/200")

        @pytest.mark.parametrize("n", range(40))
        def test_shared(n):
            status = 200 + n % 3
            assert CLIENT.get(f"/{n}/{status}").status_code == status
    """
    with service() as deployed:
        env = {"URL": f"http://{deployed.host}"}
        output = run(tmp_path, tests, env=env, hosts=(deployed.host,), workers=4)
    assert set(outcomes(output).values()) == {Outcome.PASSED}
    assert all(attempt.sighting and attempt.sighting.bytes_received for attempt in output.attempts.values())


def test_threads_make_it_run_one_after_another(tmp_path: Path) -> None:
    """Where a thread runs before the first test, nothing is forked; the note says so, and every test is still seen."""
    tests = {
        "conftest.py": """
            import threading
            def pytest_sessionstart():
                threading.Thread(target=threading.Event().wait, name="my-mock-server", daemon=True).start()
        """,
        "test_it.py": """
            import os
            def test_alone():
                assert "PYTEST_XDIST_WORKER" not in os.environ
            def test_fails():
                assert os.getpid() < 0
        """,
    }
    output = run(tmp_path, tests, workers=4)
    assert outcomes(output) == {"test_alone": Outcome.PASSED, "test_fails": Outcome.FAILED}
    assert all(attempt.sighting for attempt in output.attempts.values())
    assert output.notes == ("one test at a time, because threads run already (my-mock-server)",)


def test_bytes_are_counted_without_the_kernels_help(tmp_path: Path) -> None:
    """Where the system tells no byte counts of a connection, Python's own sockets are counted."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "sitecustomize.py").write_text(WITHOUT_TCP_INFO)
    tests = """
        import asyncio, os, urllib.request

        def test_urllib():
            assert urllib.request.urlopen(os.environ["URL"] + "/200").status == 200

        def test_asyncio():
            async def main():
                reader, writer = await asyncio.open_connection(*os.environ["URL"].removeprefix("http://").split(":"))
                writer.write(b"GET /200 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
                answer = await reader.readline()
                writer.close()
                return answer
            assert b"200" in asyncio.run(main())
    """
    with service() as deployed:
        env = {"URL": f"http://{deployed.host}", "PYTHONPATH": str(tmp_path / "elsewhere")}
        output = run(tmp_path, tests, env=env, hosts=(deployed.host,))
    assert set(outcomes(output).values()) == {Outcome.PASSED}
    for attempt in output.attempts.values():
        assert attempt.sighting is not None
        assert attempt.sighting.bytes_sent >= 30
        assert attempt.sighting.bytes_received > 50


def test_plugins_see_every_report_as_it_was(tmp_path: Path) -> None:
    """What a plugin hangs on a report, and what a test records, reaches those who read reports at the end."""
    tests = {
        "conftest.py": """
            import pytest

            @pytest.hookimpl(hookwrapper=True)
            def pytest_runtest_makereport(item, call):
                report = (yield).get_result()
                if call.when == "call" and "marked" in item.name:
                    report.bill = len(item.name)

            def pytest_terminal_summary(terminalreporter):
                reports = [r for kind in terminalreporter.stats.values() for r in kind if hasattr(r, "when")]
                bills = [r.bill for r in reports if hasattr(r, "bill")]
                late = sum("late" in r.keywords for r in reports)
                known = all(r.location[0].endswith("test_it.py") and r.duration >= 0 and r.stop > 1 for r in reports)
                print("SEEN", len(reports), sorted(bills), late, known)
        """,
        "test_it.py": """
            import pytest

            @pytest.mark.parametrize("n", range(4))
            def test_plain(n):
                pass

            def test_marked():
                pass

            def test_grows_a_marker(request):
                request.node.add_marker("late")

            def test_records(record_property):
                record_property("order", 17)
        """,
    }
    output = run(tmp_path, tests, args=(f"--junitxml={tmp_path / 'junit.xml'}", "-p", "no:cacheprovider"))
    assert "SEEN 21 [11] 2 True" in output.output_tail
    written = (tmp_path / "junit.xml").read_text()
    assert '<property name="order" value="17"' in written
    assert written.count("<testcase") == 7
