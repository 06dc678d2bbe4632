"""A WebSocket is opened with a token in the first message, and the answer says what came of it."""

import pytest
from people import EVERYONE, OPERATORS, PEOPLE
from tampering import FORGERIES
from websockets.exceptions import ConnectionClosed

NO_TOKENS = {
    "empty": "",
    "null": None,
    "a number": 7,
    "a list": ["a.b.c"],
    "an object": {"token": "a.b.c"},
    "true": True,
}

NOT_FIRST = {
    "ping": '{"type": "ping"}',
    "no type": '{"token": "a.b.c"}',
    "type in capitals": '{"type": "AUTH", "token": "a.b.c"}',
    "type is null": '{"type": null}',
}

NO_MESSAGES = {"no json": "hello", "a list": "[]", "a text": '"auth"', "null": "null", "binary": b"\x00\x01"}


def must_be_refused(talk, answer, reason):
    assert answer == {"type": "auth_error", "reason": reason, "state": "rejected"}
    with pytest.raises(ConnectionClosed) as closed:
        talk.hear()
    assert closed.value.rcvd.code == 4401


@pytest.mark.parametrize("user", EVERYONE)
def test_a_good_token_opens_the_conversation(open_socket, sign_in, user):
    with open_socket() as talk:
        answer = talk.ask(type="auth", token=sign_in(user).token)
        assert answer == {"type": "auth_ok", "user": user, "state": "authenticated"}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("user", OPERATORS[::4])
def test_a_forged_token_is_refused(open_socket, sign_in, user, forgery):
    forge, reason = FORGERIES[forgery]
    with open_socket() as talk:
        answer = talk.ask(type="auth", token=forge(sign_in(user).token))
        must_be_refused(talk, answer, reason)


@pytest.mark.parametrize("user", OPERATORS[::2])
def test_a_token_whose_time_is_over_is_refused(auth, open_socket, user):
    wish = {"user": user, "password": PEOPLE[user]["password"], "lifetime_s": 0}
    token = auth.post("/token", json=wish).json()["token"]
    with open_socket() as talk:
        must_be_refused(talk, talk.ask(type="auth", token=token), "token expired")


@pytest.mark.parametrize("case", NO_TOKENS)
def test_what_is_no_token_is_refused(open_socket, case):
    with open_socket() as talk:
        must_be_refused(talk, talk.ask(type="auth", token=NO_TOKENS[case]), "malformed token")


def test_no_token_is_refused(open_socket):
    with open_socket() as talk:
        must_be_refused(talk, talk.ask(type="auth"), "malformed token")


@pytest.mark.parametrize("case", NOT_FIRST)
def test_nothing_comes_before_the_token(open_socket, case):
    with open_socket() as talk:
        talk.socket.send(NOT_FIRST[case])
        must_be_refused(talk, talk.hear(), "the first message must be of type auth")


@pytest.mark.parametrize("case", NO_MESSAGES)
def test_what_is_no_message_is_refused(open_socket, case):
    with open_socket() as talk:
        talk.socket.send(NO_MESSAGES[case])
        must_be_refused(talk, talk.hear(), "bad message")


def test_plain_http_is_told_to_upgrade(backend):
    answer = backend.get("/ws")
    assert answer.status_code == 400
    assert "upgrade" in answer.text.lower()
    assert backend.get("/health").json()["service"] == "backend"
