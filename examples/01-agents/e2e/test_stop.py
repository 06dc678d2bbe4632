"""Running agents are stopped in order; a reason is welcome."""

import pytest
from endings import BAD_REASONS, REASONS
from people import CREW, OPERATORS, VIEWERS
from tampering import FORGERIES


@pytest.mark.parametrize("user", CREW)
def test_a_running_agent_is_stopped(sign_in, agent, user):
    person = sign_in(user)
    person.starts(agent)
    answer = person.post(f"/api/agents/{agent}/stop")
    assert answer.status_code == 200
    assert (answer.json()["agent"], answer.json()["owner"]) == (agent, user)
    assert (answer.json()["state"], answer.json()["reason"]) == ("stopped", "")


@pytest.mark.parametrize("case", REASONS)
def test_the_reason_of_a_stop_is_kept(sign_in, agent, case):
    ada = sign_in("ada")
    ada.starts(agent)
    ada.stops(agent, reason=REASONS[case])
    status = ada.get(f"/api/agents/{agent}/status").json()
    assert (status["state"], status["reason"]) == ("stopped", REASONS[case])


@pytest.mark.parametrize("case", BAD_REASONS)
def test_a_bad_reason_stops_nothing(sign_in, agent, case):
    bruno = sign_in("bruno")
    bruno.starts(agent)
    answer = bruno.post(f"/api/agents/{agent}/stop", reason=BAD_REASONS[case])
    assert answer.status_code == 400
    assert (answer.json()["error"], answer.json()["field"]) == ("bad payload", "reason")
    assert bruno.get(f"/api/agents/{agent}/status").json()["state"] == "running"


@pytest.mark.parametrize("user", OPERATORS)
def test_an_unknown_agent_cannot_be_stopped(sign_in, agent, user):
    person = sign_in(user)
    answer = person.post(f"/api/agents/{agent}/stop")
    assert answer.status_code == 404
    assert answer.json() == {"error": "unknown agent", "agent": agent}
    assert person.starts(agent)["state"] == "running"


@pytest.mark.parametrize("user", OPERATORS)
def test_a_stopped_agent_cannot_be_stopped_again(sign_in, agent, user):
    person = sign_in(user)
    person.starts(agent)
    person.stops(agent)
    answer = person.post(f"/api/agents/{agent}/stop")
    assert answer.status_code == 409
    assert answer.json() == {"error": "not running", "agent": agent, "state": "stopped"}


@pytest.mark.parametrize("user", OPERATORS)
def test_a_stopped_agent_can_be_started_once_more(sign_in, agent, user):
    person = sign_in(user)
    person.starts(agent, task="first")
    person.stops(agent)
    again = person.starts(agent, task="second")
    assert (again["state"], again["runs"], again["order"]["task"]) == ("running", 2, "second")


@pytest.mark.parametrize("viewer", VIEWERS)
def test_viewers_stop_nothing(sign_in, agent, viewer):
    sign_in("carla").starts(agent)
    answer = sign_in(viewer).post(f"/api/agents/{agent}/stop")
    assert answer.status_code == 403
    assert answer.json() == {"error": "your role may not operate agents", "roles": ["viewer"]}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_stops_nothing(backend, sign_in, agent, forgery):
    forge, error = FORGERIES[forgery]
    dmitri = sign_in("dmitri")
    dmitri.starts(agent)
    answer = backend.post(f"/api/agents/{agent}/stop", headers={"Authorization": f"Bearer {forge(dmitri.token)}"})
    assert answer.status_code == 401
    assert answer.json() == {"error": error}
    assert dmitri.get(f"/api/agents/{agent}/status").json()["state"] == "running"


@pytest.mark.parametrize("user", OPERATORS[::3])
def test_stopping_one_agent_leaves_the_others_running(sign_in, agent, user):
    person = sign_in(user)
    person.starts(agent)
    person.starts(f"{agent}-other")
    assert person.stops(agent)["state"] == "stopped"
    assert person.get(f"/api/agents/{agent}-other/status").json()["state"] == "running"
