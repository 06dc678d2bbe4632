"""What the witness says a test checked is what it checked, wherever and however the check is written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.pytest_suite_orders import outcomes, run
from tests.liars.deployed import Deployed, deployed
from untilgreen.model.suite import Outcome, Sighting
from untilgreen.ports import SuiteOutput

TESTS = {
    "support.py": """
        import time

        def equal(left, right):
            assert left == right, "they differ"

        def eventually(look):
            for _ in range(5):
                try:
                    return look()
                except AssertionError:
                    time.sleep(0)
    """,
    "test_it.py": """
        import asyncio, contextlib, os, threading, unittest
        import httpx, pytest
        from support import equal, eventually

        URL = os.environ["URL"]

        def health():
            return httpx.get(URL + "/health").json()

        def swallowed(number):
            answer = health()
            return answer["status"] == number

        def test_except():
            answer = health()
            try:
                assert answer["status"] == "bad"
            except AssertionError:
                pass

        def test_suppress():
            answer = health()
            with contextlib.suppress(AssertionError):
                assert answer["status"] == "bad"

        def test_raises():
            answer = health()
            with pytest.raises(AssertionError):
                assert answer["status"] == "bad"

        def test_finally():
            answer = health()
            for _ in range(1):
                try:
                    assert answer["status"] == "bad"
                finally:
                    break

        def test_gather():
            answer = health()
            async def look():
                assert answer["status"] == "bad"
            async def main():
                await asyncio.gather(look(), return_exceptions=True)
            asyncio.run(main())

        @pytest.mark.filterwarnings("ignore")
        def test_thread():
            answer = health()
            def look():
                assert answer["status"] == "bad"
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()

        def test_fail():
            answer = health()
            try:
                if answer["status"] != "bad":
                    pytest.fail("bad")
            except BaseException:
                pass

        def test_helper():
            answer = health()
            with contextlib.suppress(AssertionError):
                equal(answer["status"], "bad")

        class TestOld(unittest.TestCase):
            def test_unittest(self):
                with self.assertRaises(AssertionError):
                    self.assertEqual(health()["status"], "bad")

            def test_constants(self):
                health()
                self.assertEqual([1], [1])
                self.assertTrue(True)

            def test_block(self):
                with self.assertRaises(httpx.HTTPStatusError):
                    httpx.get(URL + "/nothing").raise_for_status()

            def test_real(self):
                self.assertEqual([health()["status"]], ["ok"])

        def test_retry():
            tries = []
            def look():
                tries.append(health()["status"])
                assert len(tries) > 2
            eventually(look)

        def test_message():
            with pytest.raises(AssertionError) as failed:
                equal(1, 2)
            assert str(failed.value) == "they differ"

        @pytest.fixture
        def checked():
            assert health()["status"] == "ok"

        def test_fixture(checked):
            health()

        def test_before():
            assert URL
            health()

        def test_after():
            answer = health()
            assert answer["status"] == "ok"

        def test_schema():
            from pydantic import BaseModel
            class Health(BaseModel):
                status: str
            Health.model_validate(health())

        def test_library():
            import jsonschema
            jsonschema.validate(health(), {"type": "object"})

        def test_own_word():
            answer = health()
            check_nothing(answer)

        def check_nothing(answer):
            pass

        def test_mock():
            from unittest import mock
            spy = mock.Mock()
            spy(health())
            spy.assert_called_once()
    """,
}
SWALLOWED = ["except", "suppress", "raises", "finally", "gather", "thread", "fail", "helper", "unittest"]


@pytest.fixture(scope="module")
def service() -> Iterator[Deployed]:
    """Run the service."""
    with deployed() as running:
        yield running


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, service: Deployed) -> SuiteOutput:
    """Run all tests under the witness, once."""
    return run(tmp_path_factory.mktemp("checks"), TESTS, env={"URL": service.url}, hosts=(service.host,), workers=1)


def sighting(output: SuiteOutput, name: str) -> Sighting:
    """Return what was seen of the test of this name."""
    (found,) = (a.sighting for nodeid, a in output.attempts.items() if nodeid.endswith(f"::test_{name}"))
    assert found is not None
    return found


def test_they_pass_as_they_would_alone(seen: SuiteOutput) -> None:
    """The witness changes no outcome, and no message of a module that pytest leaves alone."""
    assert {name: end for name, end in outcomes(seen).items() if end is not Outcome.PASSED} == {}
    assert seen.notes == ()


@pytest.mark.parametrize("test", SWALLOWED)
def test_swallowed_failures_are_counted(seen: SuiteOutput, test: str) -> None:
    """An assertion that failed in a test that passed was swallowed, whoever did it, and is no assertion that passed."""
    found = sighting(seen, test)
    assert found.swallowed_assertions == 1
    assert found.assertions == 0


def test_a_retry_is_no_lie(seen: SuiteOutput) -> None:
    """What failed first and held later, at the same place, was tried again."""
    found = sighting(seen, "retry")
    assert (found.assertions, found.swallowed_assertions) == (1, 0)


@pytest.mark.parametrize(
    ("test", "all_of_them", "early", "constant"),
    [
        ("fixture", 1, 1, 0),
        ("before", 1, 1, 0),
        ("after", 1, 0, 0),
        ("constants", 0, 0, 2),
        ("real", 1, 0, 0),
        ("block", 1, 0, 0),
        ("schema", 1, 0, 0),
        ("library", 1, 0, 0),
        ("own_word", 0, 0, 0),
        ("mock", 0, 0, 0),
    ],
)
def test_checks_are_told_apart(seen: SuiteOutput, test: str, all_of_them: int, early: int, constant: int) -> None:
    """Early ones and those about constants are counted apart; a mock's own and a mere name are none."""
    found = sighting(seen, test)
    assert (found.assertions, found.early_assertions, found.constant_assertions) == (all_of_them, early, constant)
