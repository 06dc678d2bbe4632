"""Agents are started with an order, and the order is kept as it was given."""

import json

import pytest
from orders import BAD_ORDERS, DEADLINES, NO_OBJECTS, TAGS, TASKS
from people import ADMINS, CREW, OPERATORS, VIEWERS


@pytest.mark.parametrize("user", CREW)
def test_a_started_agent_runs_for_the_one_who_started_it(sign_in, agent, user):
    started = sign_in(user).starts(agent)
    assert (started["agent"], started["owner"]) == (agent, user)
    assert (started["state"], started["runs"], started["reason"]) == ("running", 1, "")


@pytest.mark.parametrize("priority", [1, 5])
@pytest.mark.parametrize("task", TASKS)
def test_task_and_priority_are_kept(sign_in, agent, task, priority):
    bruno = sign_in("bruno")
    bruno.starts(agent, task=TASKS[task], priority=priority)
    order = bruno.get(f"/api/agents/{agent}/status").json()["order"]
    assert order["task"] == TASKS[task]
    assert order["priority"] == priority


def test_an_order_needs_nothing_but_a_task(sign_in, agent):
    order = sign_in("carla").starts(agent, task="rest")["order"]
    assert order == {"task": "rest", "priority": 3, "tags": [], "deadline": None}


@pytest.mark.parametrize("task", ["  in front", "behind  ", "\n\tboth \n"])
def test_blanks_around_a_task_are_dropped(sign_in, agent, task):
    assert sign_in("carla").starts(agent, task=task)["order"]["task"] == task.strip()


@pytest.mark.parametrize("case", TAGS)
def test_tags_are_a_set_of_small_words(sign_in, agent, case):
    given, kept = TAGS[case]
    assert sign_in("dmitri").starts(agent, tags=given)["order"]["tags"] == kept


@pytest.mark.parametrize("given", DEADLINES)
def test_deadlines_are_kept_in_utc(sign_in, agent, given):
    assert sign_in("elif").starts(agent, deadline=given)["order"]["deadline"] == DEADLINES[given]


@pytest.mark.parametrize("case", BAD_ORDERS)
def test_a_bad_order_names_its_field_and_starts_nothing(sign_in, agent, case):
    field, order = BAD_ORDERS[case]
    farid = sign_in("farid")
    answer = farid.post(f"/api/agents/{agent}/start", **order)
    assert answer.status_code == 400
    assert (answer.json()["error"], answer.json()["field"]) == ("bad payload", field)
    assert farid.starts(agent)["runs"] == 1


@pytest.mark.parametrize("payload", NO_OBJECTS)
def test_an_order_is_a_json_object(backend, sign_in, agent, payload):
    grace = sign_in("grace")
    answer = backend.post(f"/api/agents/{agent}/start", content=payload, headers=grace.bearer)
    assert answer.status_code == 400
    assert answer.json() == {"error": "bad payload", "field": "", "expected": "a JSON object"}
    assert grace.starts(agent)["runs"] == 1


@pytest.mark.parametrize("name", ["Agent", "7up", "-dash", "under_score", "dot.dot", "blank%20", "ä", "a" * 64])
def test_a_bad_name_starts_nothing(sign_in, agent, name):
    hugo = sign_in("hugo")
    answer = hugo.post(f"/api/agents/{name}/start", task="x")
    assert answer.status_code == 400
    assert answer.json()["error"] == "bad agent name"
    assert hugo.starts(agent)["agent"] == agent


@pytest.mark.parametrize("over", [1, 1000, 200_000])
def test_a_payload_over_64_kib_is_refused(backend, sign_in, agent, over):
    ines = sign_in("ines")
    bare = len(json.dumps({"task": ""}))
    payload = json.dumps({"task": "m" * (64 * 1024 - bare + over)})
    answer = backend.post(f"/api/agents/{agent}/start", content=payload, headers=ines.bearer)
    assert answer.status_code == 413
    assert answer.json() == {"error": "payload too large", "limit": 65_536}
    assert ines.starts(agent)["runs"] == 1


@pytest.mark.parametrize("under", [0, 1, 1000])
def test_a_payload_up_to_64_kib_is_read(backend, sign_in, agent, under):
    ines = sign_in("ines")
    payload = '{"task": "fits"' + " " * (64 * 1024 - 16 - under) + "}"
    answer = backend.post(f"/api/agents/{agent}/start", content=payload, headers=ines.bearer)
    assert answer.status_code == 200
    assert answer.json()["order"]["task"] == "fits"


@pytest.mark.parametrize("user", OPERATORS)
def test_a_running_agent_cannot_be_started(sign_in, agent, user):
    person = sign_in(user)
    person.starts(agent, task="first")
    answer = person.post(f"/api/agents/{agent}/start", task="second")
    assert answer.status_code == 409
    assert answer.json() == {"error": "already running", "agent": agent, "state": "running"}


@pytest.mark.parametrize("owner", OPERATORS[::4])
@pytest.mark.parametrize("user", VIEWERS)
def test_viewers_start_nothing(sign_in, agent, user, owner):
    sign_in(owner).starts(agent)
    answer = sign_in(user).post(f"/api/agents/{agent}/start", task="x")
    assert answer.status_code == 403
    assert answer.json() == {"error": "your role may not operate agents", "roles": ["viewer"]}


@pytest.mark.parametrize("admin", ADMINS)
def test_an_admin_who_starts_the_same_name_gets_an_agent_of_their_own(sign_in, agent, admin):
    sign_in("jonas").starts(agent, task="of jonas")
    own = sign_in(admin).starts(agent, task="of the admin")
    assert (own["owner"], own["order"]["task"]) == (admin, "of the admin")
