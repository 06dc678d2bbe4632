"""What a signed-in client may say over the WebSocket, and what it hears."""

import json
from datetime import datetime

import pytest
from people import EVERYONE, PEOPLE
from websockets.exceptions import ConnectionClosed

IDS = [0, 1, -1, 2**53, 0.5, "", "a", "seven", "🌕", None, True, [1, 2], {"a": 1}]

PAYLOADS = {
    "empty text": "",
    "text": "hello moon",
    "umlauts": "Mondkräter",
    "chinese": "月球",
    "right to left": "القمر",
    "emoji": "🌑🌒🌓🌔🌕",
    "combined emoji": "👩‍🚀👨🏽‍🚀",
    "control characters": "a\tb\nc\rd\u0000e\u001f",
    "line separators": "a\u2028b\u2029c",
    "quotes": "\"double\" 'single' `back`",
    "backslashes": "\\n is not \n",
    "markup": "<script>alert('moon')</script>",
    "json in a text": '{"type": "ping"}',
    "zero": 0,
    "negative": -273,
    "large": 2**62,
    "beyond 64 bits": 2**70,
    "fraction": 0.1,
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "negative zero": -0.0,
    "true": True,
    "false": False,
    "null": None,
    "empty list": [],
    "list": [1, "two", 3.0, None, False],
    "nested lists": [[[[[["deep"]]]]]],
    "empty object": {},
    "object": {"name": "tycho", "diameter_km": 85.3},
    "keys in their order": {"c": 3, "a": 1, "b": 2},
    "empty key": {"": "nothing"},
    "key with a dot": {"a.b": {"c.d": 1}},
    "own words": {"type": "auth_ok", "state": "rejected"},
    "list of objects": [{"n": n} for n in range(50)],
    "mixed": {"a": [{"b": {"c": [1, {"d": None}]}}]},
    "long text": "moon" * 5_000,
    "long list": list(range(5_000)),
    "deep object": {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}},
}

UNKNOWN_KINDS = [
    "",
    "pong",
    "Ping",
    "ping ",
    "AUTH",
    "auth",
    "status",
    "stop",
    "__class__",
    "🌕",
    None,
    7,
    True,
    [],
    {},
]

NO_MESSAGES = {
    "no json": "hello",
    "half an object": '{"type": "ping"',
    "a list": '[{"type": "ping"}]',
    "a text": '"ping"',
    "a number": "7",
    "null": "null",
    "nothing": "",
    "binary": b'{"type": "ping"}',
}


@pytest.mark.parametrize("number", IDS, ids=repr)
def test_a_ping_is_answered_with_its_id(talk_as, number):
    with talk_as("ada") as talk:
        assert talk.ask(type="ping", id=number) == {"type": "pong", "id": number}


@pytest.mark.parametrize("case", PAYLOADS)
def test_an_echo_brings_the_payload_back(talk_as, case):
    with talk_as("bruno") as talk:
        assert talk.ask(type="echo", payload=PAYLOADS[case]) == {"type": "echo", "payload": PAYLOADS[case]}


@pytest.mark.parametrize("user", EVERYONE[::2])
def test_a_client_learns_who_it_is(talk_as, user):
    with talk_as(user) as talk:
        answer = talk.ask(type="whoami")
        assert datetime.fromisoformat(answer.pop("since")).tzinfo is not None
        person = {"user": user, "roles": PEOPLE[user]["roles"], "state": "authenticated"}
        assert answer == {"type": "whoami", **person, "topics": []}


@pytest.mark.parametrize("kind", UNKNOWN_KINDS, ids=repr)
def test_an_unknown_kind_is_refused_and_the_known_ones_are_named(talk_as, kind):
    with talk_as("carla") as talk:
        answer = talk.ask(type=kind)
        known = ["agent_status", "echo", "ping", "subscribe", "unsubscribe", "whoami"]
        assert answer == {"type": "error", "code": "unknown_kind", "kind": kind, "known": known}


@pytest.mark.parametrize("case", NO_MESSAGES)
def test_what_is_no_message_is_refused_and_the_conversation_goes_on(talk_as, case):
    with talk_as("dmitri") as talk:
        talk.socket.send(NO_MESSAGES[case])
        assert talk.hear() == {"type": "error", "code": "bad_message", "expected": "a JSON object as text"}
        assert talk.ask(type="ping", id=1)["type"] == "pong"


@pytest.mark.parametrize("count", [2, 3, 10, 50])
def test_answers_come_in_the_order_of_the_questions(talk_as, count):
    with talk_as("elif") as talk:
        for number in range(count):
            talk.say(type="ping", id=number)
        assert [talk.hear()["id"] for _ in range(count)] == list(range(count))


@pytest.mark.parametrize("over", [1, 10_000])
def test_a_message_over_64_kib_ends_the_conversation(talk_as, over):
    with talk_as("farid") as talk:
        bare = len(json.dumps({"type": "echo", "payload": ""}))
        talk.say(type="echo", payload="m" * (64 * 1024 - bare + over))
        with pytest.raises(ConnectionClosed) as closed:
            talk.hear()
        assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize("user", EVERYONE[::4])
def test_two_conversations_of_one_user_do_not_mix(talk_as, user):
    with talk_as(user) as first, talk_as(user) as second:
        first.say(type="ping", id="first")
        second.say(type="ping", id="second")
        assert (first.hear()["id"], second.hear()["id"]) == ("first", "second")
