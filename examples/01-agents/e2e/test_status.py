"""Everyone sees their own agents; admins see those of others."""

import pytest
from people import ADMINS, CREW, EVERYONE, NEIGHBOURS, OPERATORS, VIEWERS


@pytest.mark.parametrize("user", CREW)
def test_the_status_is_what_starting_answered(sign_in, agent, user):
    person = sign_in(user)
    started = person.starts(agent, task=f"work for {user}", tags=[user])
    answer = person.get(f"/api/agents/{agent}/status")
    assert answer.status_code == 200
    assert answer.json() == started


@pytest.mark.parametrize("user", EVERYONE)
def test_an_unknown_agent_is_called_by_its_name(sign_in, agent, user):
    person = sign_in(user)
    answer = person.get(f"/api/agents/{agent}/status")
    assert answer.status_code == 404
    assert answer.json() == {"error": "unknown agent", "agent": agent}
    assert agent not in [known["agent"] for known in person.get("/api/agents").json()["agents"]]


@pytest.mark.parametrize("name", ["Agent", "7up", "ä", "a" * 64, "x;y", "start", "status"])
def test_a_name_that_no_agent_can_have_is_unknown_too(sign_in, agent, name):
    kira = sign_in("kira")
    kira.starts(agent)
    answer = kira.get(f"/api/agents/{name}/status")
    assert answer.status_code == 404
    assert answer.json() == {"error": "unknown agent", "agent": name}


@pytest.mark.parametrize(("owner", "other"), NEIGHBOURS[::2])
def test_the_same_name_is_another_agent_for_another_user(sign_in, agent, owner, other):
    sign_in(owner).starts(agent)
    answer = sign_in(other).get(f"/api/agents/{agent}/status")
    assert answer.status_code == 404
    assert answer.json() == {"error": "unknown agent", "agent": agent}


@pytest.mark.parametrize("owner", OPERATORS[::3])
@pytest.mark.parametrize("admin", ADMINS)
def test_an_admin_sees_the_agent_of_another(sign_in, agent, admin, owner):
    started = sign_in(owner).starts(agent)
    answer = sign_in(admin).get(f"/api/agents/{agent}/status", owner=owner)
    assert answer.status_code == 200
    assert answer.json() == started


@pytest.mark.parametrize("owner", OPERATORS[::3])
@pytest.mark.parametrize("viewer", VIEWERS)
def test_a_viewer_does_not_see_the_agent_of_another(sign_in, agent, viewer, owner):
    sign_in(owner).starts(agent)
    answer = sign_in(viewer).get(f"/api/agents/{agent}/status", owner=owner)
    assert answer.status_code == 403
    assert answer.json() == {"error": "only admins see the agents of others", "owner": owner}
