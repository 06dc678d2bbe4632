"""Running agents are cancelled, and somebody says why."""

import pytest
from endings import BAD_REASONS, REASONS
from people import CREW, OPERATORS, VIEWERS
from tampering import FORGERIES


@pytest.mark.parametrize("user", CREW)
def test_a_running_agent_is_cancelled(sign_in, agent, user):
    person = sign_in(user)
    person.starts(agent)
    answer = person.post(f"/api/agents/{agent}/cancel", reason=f"{user} said so")
    assert answer.status_code == 200
    assert (answer.json()["agent"], answer.json()["owner"]) == (agent, user)
    assert (answer.json()["state"], answer.json()["reason"]) == ("cancelled", f"{user} said so")


@pytest.mark.parametrize("case", REASONS)
def test_the_reason_of_a_cancellation_is_kept(sign_in, agent, case):
    elif_ = sign_in("elif")
    elif_.starts(agent)
    elif_.cancels(agent, REASONS[case])
    status = elif_.get(f"/api/agents/{agent}/status").json()
    assert (status["state"], status["reason"]) == ("cancelled", REASONS[case])


@pytest.mark.parametrize("case", BAD_REASONS)
def test_a_bad_reason_cancels_nothing(sign_in, agent, case):
    farid = sign_in("farid")
    farid.starts(agent)
    answer = farid.post(f"/api/agents/{agent}/cancel", reason=BAD_REASONS[case])
    assert answer.status_code == 400
    assert (answer.json()["error"], answer.json()["field"]) == ("bad payload", "reason")
    assert farid.get(f"/api/agents/{agent}/status").json()["state"] == "running"


def test_without_a_reason_nothing_is_cancelled(sign_in, agent):
    grace = sign_in("grace")
    grace.starts(agent)
    answer = grace.post(f"/api/agents/{agent}/cancel")
    assert answer.status_code == 400
    assert answer.json()["expected"] == "a text of 1 to 200 characters"
    assert grace.get(f"/api/agents/{agent}/status").json()["state"] == "running"


@pytest.mark.parametrize("user", OPERATORS)
def test_an_unknown_agent_cannot_be_cancelled(sign_in, agent, user):
    person = sign_in(user)
    answer = person.post(f"/api/agents/{agent}/cancel", reason="gone")
    assert answer.status_code == 404
    assert answer.json() == {"error": "unknown agent", "agent": agent}
    assert person.starts(agent)["state"] == "running"


@pytest.mark.parametrize("user", OPERATORS)
def test_a_cancelled_agent_cannot_be_cancelled_again(sign_in, agent, user):
    person = sign_in(user)
    person.starts(agent)
    person.cancels(agent, "once")
    answer = person.post(f"/api/agents/{agent}/cancel", reason="twice")
    assert answer.status_code == 409
    assert answer.json() == {"error": "not running", "agent": agent, "state": "cancelled"}


@pytest.mark.parametrize("user", OPERATORS)
def test_a_cancelled_agent_can_be_started_once_more(sign_in, agent, user):
    person = sign_in(user)
    person.starts(agent, task="first")
    person.cancels(agent, "wrong order")
    again = person.starts(agent, task="second")
    assert (again["state"], again["runs"], again["reason"]) == ("running", 2, "")


@pytest.mark.parametrize("viewer", VIEWERS)
def test_viewers_cancel_nothing(sign_in, agent, viewer):
    sign_in("hugo").starts(agent)
    answer = sign_in(viewer).post(f"/api/agents/{agent}/cancel", reason="bored")
    assert answer.status_code == 403
    assert answer.json() == {"error": "your role may not operate agents", "roles": ["viewer"]}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_cancels_nothing(backend, sign_in, agent, forgery):
    forge, error = FORGERIES[forgery]
    ines = sign_in("ines")
    ines.starts(agent)
    bearer = {"Authorization": f"Bearer {forge(ines.token)}"}
    answer = backend.post(f"/api/agents/{agent}/cancel", json={"reason": "mine now"}, headers=bearer)
    assert answer.status_code == 401
    assert answer.json() == {"error": error}
    assert ines.get(f"/api/agents/{agent}/status").json()["state"] == "running"
