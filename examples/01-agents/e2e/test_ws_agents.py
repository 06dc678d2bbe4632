"""Clients ask after their agents over the WebSocket, and are told when something happens to them."""

import pytest
from people import CREW, NEIGHBOURS, OPERATORS

BAD_AGENTS = {"missing": {}, "empty": {"agent": ""}, "null": {"agent": None}, "a number": {"agent": 7}}


@pytest.mark.parametrize("user", CREW)
def test_the_status_is_the_same_as_over_http(talk_as, sign_in, agent, user):
    started = sign_in(user).starts(agent, tags=["ws"], deadline="2031-05-04T12:00:00+02:00")
    with talk_as(user) as talk:
        assert talk.ask(type="agent_status", agent=agent) == {"type": "agent_status", "status": started}


@pytest.mark.parametrize("user", OPERATORS[::2])
def test_an_unknown_agent_is_an_error_and_the_conversation_goes_on(talk_as, agent, user):
    with talk_as(user) as talk:
        answer = talk.ask(type="agent_status", agent=agent)
        assert answer == {"type": "error", "code": "unknown_agent", "agent": agent}
        assert talk.ask(type="ping", id=1)["type"] == "pong"


@pytest.mark.parametrize("case", BAD_AGENTS)
@pytest.mark.parametrize("kind", ["agent_status", "subscribe", "unsubscribe"])
def test_a_question_about_no_agent_is_refused(talk_as, kind, case):
    with talk_as("grace") as talk:
        answer = talk.ask(type=kind, **BAD_AGENTS[case])
        assert answer == {"type": "error", "code": "bad_message", "expected": "agent: the name of an agent"}


@pytest.mark.parametrize("user", CREW)
def test_who_has_subscribed_hears_of_a_start(talk_as, sign_in, agent, user):
    with talk_as(user) as talk:
        assert talk.ask(type="subscribe", agent=agent) == {"type": "subscribed", "agent": agent, "topics": [agent]}
        sign_in(user).starts(agent)
        assert talk.hear() == {"type": "agent_event", "agent": agent, "state": "running", "runs": 1}


@pytest.mark.parametrize("user", OPERATORS[::2])
def test_who_has_not_subscribed_hears_nothing(talk_as, sign_in, agent, user):
    with talk_as(user) as talk:
        talk.ask(type="subscribe", agent=f"{agent}-other")
        sign_in(user).starts(agent)
        assert talk.ask(type="ping", id="next")["id"] == "next"


@pytest.mark.parametrize("user", OPERATORS[1::2])
def test_who_has_unsubscribed_hears_no_more(talk_as, sign_in, agent, user):
    with talk_as(user) as talk:
        talk.ask(type="subscribe", agent=agent)
        assert talk.ask(type="unsubscribe", agent=agent) == {"type": "unsubscribed", "agent": agent, "topics": []}
        sign_in(user).starts(agent)
        assert talk.ask(type="ping", id="next")["id"] == "next"


@pytest.mark.parametrize(("owner", "other"), NEIGHBOURS[:11:2])
def test_nobody_hears_of_the_agents_of_another(talk_as, sign_in, agent, owner, other):
    with talk_as(other) as talk:
        talk.ask(type="subscribe", agent=agent)
        sign_in(owner).starts(agent)
        assert talk.ask(type="ping", id="next")["id"] == "next"


@pytest.mark.parametrize("user", CREW[::3])
def test_nobody_unsubscribes_from_what_they_never_heard(talk_as, agent, user):
    with talk_as(user) as talk:
        answer = talk.ask(type="unsubscribe", agent=agent)
        assert answer == {"type": "error", "code": "not_subscribed", "agent": agent}


@pytest.mark.parametrize("count", [2, 5, 20])
def test_topics_are_listed_in_order_and_once_each(talk_as, agent, count):
    with talk_as("hugo") as talk:
        names = [f"{agent}-{number:02}" for number in range(count)]
        for name in reversed([*names, names[0]]):
            answer = talk.ask(type="subscribe", agent=name)
        assert answer["topics"] == names


@pytest.mark.parametrize("user", CREW[1::3])
def test_all_conversations_of_a_user_hear_of_a_start(talk_as, sign_in, agent, user):
    with talk_as(user) as first, talk_as(user) as second:
        first.ask(type="subscribe", agent=agent)
        second.ask(type="subscribe", agent=agent)
        sign_in(user).starts(agent)
        assert first.hear() == second.hear() == {"type": "agent_event", "agent": agent, "state": "running", "runs": 1}


@pytest.mark.parametrize("user", CREW[2::3])
def test_a_listener_who_has_gone_does_not_disturb_the_others(talk_as, sign_in, agent, user):
    with talk_as(user) as stays:
        stays.ask(type="subscribe", agent=agent)
        with talk_as(user) as goes:
            goes.ask(type="subscribe", agent=agent)
        sign_in(user).starts(agent)
        assert stays.hear()["agent"] == agent
