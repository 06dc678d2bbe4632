"""People list their agents."""

import pytest
from people import ADMINS, CREW, NEIGHBOURS, OPERATORS, VIEWERS


def names_in(answer):
    return [agent["agent"] for agent in answer.json()["agents"]]


@pytest.mark.parametrize("user", CREW)
def test_a_started_agent_is_listed_as_its_status_says(sign_in, agent, user):
    person = sign_in(user)
    started = person.starts(agent, tags=["listed"])
    answer = person.get("/api/agents")
    assert answer.status_code == 200
    assert answer.json()["owner"] == user
    assert started in answer.json()["agents"]


@pytest.mark.parametrize("user", CREW[::2])
def test_a_list_is_in_the_order_of_names(sign_in, agent, user):
    person = sign_in(user)
    for letter in "cab":
        person.starts(f"{agent}-{letter}")
    listed = names_in(person.get("/api/agents"))
    assert listed == sorted(listed)
    assert {f"{agent}-a", f"{agent}-b", f"{agent}-c"} <= set(listed)


@pytest.mark.parametrize("user", CREW[1::2])
def test_running_agents_are_listed_as_running_only(sign_in, agent, user):
    person = sign_in(user)
    person.starts(agent)
    assert agent in names_in(person.get("/api/agents", state="running"))
    assert agent not in names_in(person.get("/api/agents", state="stopped"))


@pytest.mark.parametrize("state", ["RUNNING", "runing", "idle", "running,stopped", "0", " "])
def test_an_unknown_state_is_refused_and_the_known_ones_are_named(sign_in, agent, state):
    liam = sign_in("liam")
    liam.starts(agent)
    answer = liam.get("/api/agents", state=state)
    assert answer.status_code == 400
    assert answer.json() == {"error": "unknown state", "state": state, "known": ["cancelled", "running", "stopped"]}


@pytest.mark.parametrize("viewer", VIEWERS)
def test_viewers_have_no_agents(sign_in, viewer):
    answer = sign_in(viewer).get("/api/agents")
    assert answer.status_code == 200
    assert answer.json() == {"owner": viewer, "agents": []}


@pytest.mark.parametrize("owner", OPERATORS[::6])
@pytest.mark.parametrize("admin", ADMINS)
def test_an_admin_lists_the_agents_of_another(sign_in, agent, admin, owner):
    sign_in(owner).starts(agent)
    answer = sign_in(admin).get("/api/agents", owner=owner)
    assert answer.json()["owner"] == owner
    assert agent in names_in(answer)


@pytest.mark.parametrize(("owner", "other"), NEIGHBOURS[:11])
def test_an_operator_does_not_list_the_agents_of_another(sign_in, agent, owner, other):
    sign_in(owner).starts(agent)
    answer = sign_in(other).get("/api/agents", owner=owner)
    assert answer.status_code == 403
    assert answer.json() == {"error": "only admins see the agents of others", "owner": owner}
