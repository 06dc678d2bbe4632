"""How the doctor sees an API that answers, one that is not there, and one that says no."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from google.rpc import error_details_pb2

from tests.contract.moon import Moon
from untilgreen.adapters import doctor_google
from untilgreen.adapters.cloud_run_listing import deployed
from untilgreen.doctor.facts import ApiProblem


def test_apis_of_the_emulator_answer(moon: Moon) -> None:
    """Each API that a loop uses is asked once, and lets us in."""
    seen = doctor_google.apis("emulator-moon", "moon-central1", moon.endpoint)
    assert [api.api.partition(".")[0] for api in seen] == ["run", "logging", "secretmanager"]
    assert [api.problem for api in seen] == [None, None, None]


def test_an_address_without_anybody_is_unreachable() -> None:
    """Nobody there is told apart from somebody who says no."""
    seen = doctor_google.apis("emulator-moon", "moon-central1", "127.0.0.1:9")
    assert {api.problem for api in seen} == {ApiProblem.UNREACHABLE}


DISABLED = error_details_pb2.ErrorInfo(reason="SERVICE_DISABLED", domain="googleapis.com")


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (exceptions.PermissionDenied("you may not"), ApiProblem.PERMISSION),
        (exceptions.PermissionDenied("not used before", error_info=DISABLED), ApiProblem.DISABLED),
        (exceptions.Unauthenticated("who are you"), ApiProblem.PERMISSION),
        (exceptions.DeadlineExceeded("too late"), ApiProblem.UNREACHABLE),
        (exceptions.NotFound("no such project"), ApiProblem.REFUSED),
    ],
)
def test_a_refusal_is_named_by_what_to_do(error: Exception, problem: ApiProblem) -> None:
    """A missing permission, a disabled API and a wrong project want three different things from a person."""

    def refused() -> None:
        raise error

    found, message = doctor_google._outcome(refused)
    assert found is problem
    assert message


def test_nothing_deployed_is_an_empty_list(moon: Moon) -> None:
    """Of another region nothing is listed, and that is no error."""
    assert deployed("emulator-moon", "sun-west1", moon.endpoint) == ()
