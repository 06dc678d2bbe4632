"""Who somebody is, and what they may do, is asked of auth at that moment."""

import pytest
from people import ADMINS, CREW, EVERYONE, NEIGHBOURS, OPERATORS, PEOPLE, VIEWERS

RUNNING = ["cancel", "status", "stop"]


@pytest.mark.parametrize("user", EVERYONE)
def test_everyone_learns_who_they_are(sign_in, user):
    answer = sign_in(user).get("/api/me")
    assert answer.status_code == 200
    assert answer.json() == {"user": user, "roles": PEOPLE[user]["roles"], "team": PEOPLE[user]["team"]}


@pytest.mark.parametrize("user", CREW)
def test_the_owner_may_end_a_running_agent(sign_in, agent, user):
    person = sign_in(user)
    person.starts(agent)
    answer = person.get(f"/api/agents/{agent}/permissions")
    assert answer.status_code == 200
    assert answer.json() == {"agent": agent, "owner": user, "user": user, "may": RUNNING}


@pytest.mark.parametrize("owner", OPERATORS)
@pytest.mark.parametrize("admin", ADMINS)
def test_an_admin_may_look_at_the_agent_of_another(sign_in, agent, admin, owner):
    sign_in(owner).starts(agent)
    answer = sign_in(admin).get(f"/api/agents/{agent}/permissions", owner=owner)
    assert answer.status_code == 200
    assert answer.json() == {"agent": agent, "owner": owner, "user": admin, "may": ["status"]}


@pytest.mark.parametrize("owner", OPERATORS[::2])
@pytest.mark.parametrize("viewer", VIEWERS)
def test_a_viewer_may_do_nothing_with_the_agent_of_another(sign_in, agent, viewer, owner):
    sign_in(owner).starts(agent)
    answer = sign_in(viewer).get(f"/api/agents/{agent}/permissions", owner=owner)
    assert answer.status_code == 200
    assert answer.json() == {"agent": agent, "owner": owner, "user": viewer, "may": []}


@pytest.mark.parametrize(("owner", "other"), NEIGHBOURS)
def test_owning_a_name_gives_no_say_over_the_same_name_of_another(sign_in, agent, owner, other):
    sign_in(owner).starts(agent)
    sign_in(other).starts(agent)
    answer = sign_in(other).get(f"/api/agents/{agent}/permissions", owner=owner)
    assert answer.status_code == 200
    assert answer.json()["may"] == (["status"] if other in ADMINS else [])
    assert sign_in(other).get(f"/api/agents/{agent}/permissions").json()["may"] == RUNNING


@pytest.mark.parametrize("user", EVERYONE)
def test_nobody_has_permissions_for_an_unknown_agent(sign_in, agent, user):
    person = sign_in(user)
    answer = person.get(f"/api/agents/{agent}/permissions")
    assert answer.status_code == 404
    assert answer.json() == {"error": "unknown agent", "agent": agent}
    assert person.get("/api/agents").json()["owner"] == user
