import pytest


@pytest.mark.parametrize("user", ["ada", "bob", "eve"])
def test_welcome(line, token_of, user):
    with line() as talk:
        assert talk.ask(token=token_of(user)) == {"type": "welcome", "user": user, "phase": "talking"}


@pytest.mark.parametrize("number", [0, 7, "x", None])
def test_ping(line_of, number):
    with line_of("ada") as talk:
        assert talk.ask(type="ping", id=number) == {"type": "pong", "id": number}


@pytest.mark.parametrize("user", ["ada", "eve"])
def test_whoami(line_of, user):
    with line_of(user) as talk:
        you = talk.ask(type="whoami")
        assert (you["type"], you["user"], you["phase"]) == ("you", user, "talking")


@pytest.mark.parametrize("user", ["ada", "bob"])
def test_track(line_of, at_desk, user):
    parcel = at_desk(user).parcel()
    with line_of(user) as talk:
        expected = {"type": "parcel", "number": parcel["number"], "state": "in the depot"}
        assert talk.ask(type="track", number=parcel["number"]) == expected


def test_track_what_is_not_there(line_of):
    with line_of("ada") as talk:
        assert talk.ask(type="track", number="0" * 12) == {"type": "error", "why": "no such parcel"}


def test_unknown_type(line_of):
    with line_of("ada") as talk:
        assert talk.ask(type="sing") == {"type": "error", "why": "unknown type"}
