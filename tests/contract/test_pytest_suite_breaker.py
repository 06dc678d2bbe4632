"""When a deployed service dies under a suite, the suite ends and says so."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.contract.pytest_suite_orders import Remembering, order, service
from untilgreen.adapters.http_probe import HttpProbe
from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.model.suite import Outcome
from untilgreen.suite.breaker import breaker
from untilgreen.suite.outcomes import conclude

TESTS = """
    import os, time, urllib.request, pytest

    @pytest.mark.parametrize("n", range(400))
    def test_answer(n):
        time.sleep(0.1)
        assert urllib.request.urlopen(os.environ["URL"] + "/200").status == 200
"""


class Dying(Remembering):
    """A watcher under whose eyes the service dies."""

    def __init__(self, die: threading.Event) -> None:
        super().__init__()
        self.die = die

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        """Let it die after ten tests."""
        super().finished(nodeid, outcome, why)
        if len(self.ended) == 10:
            self.die.set()


def test_tests_of_a_dead_service_do_not_fail_by_the_hundred(tmp_path: Path) -> None:
    """Tests that met nobody until the breaker saw it failed; all others are not run, and say which service is gone."""
    die = threading.Event()
    with service() as deployed:
        health = f"http://{deployed.host}/health/200"
        wanted = order(tmp_path, TESTS, env={"URL": f"http://{deployed.host}"}, hosts=(deployed.host,))

        def dying() -> None:
            die.wait()
            deployed.shutdown()
            deployed.server_close()

        executioner = threading.Thread(target=dying)
        executioner.start()
        with breaker(HttpProbe(), {"backend": health}, breaker_s=0.5) as halt:
            output = PytestSuite().run(wanted, Dying(die), halt)
        die.set()
        executioner.join()
    assert output.stopped.startswith("backend has not answered /health/200 since")
    assert "refused" in output.stopped
    results = conclude([output])
    ended = [result for result in results if result.outcome is not Outcome.NOT_RUN]
    assert {result.outcome for result in ended} <= {Outcome.PASSED, Outcome.FAILED}
    assert len(ended) < len(results) / 2
    assert {result.reason for result in results if result.outcome is Outcome.NOT_RUN} == {output.stopped}
