import pytest
from websockets.exceptions import ConnectionClosed

REASONS = {
    "no-token": "this is no token",
    "a.b": "this is no token",
    "": "this is no token",
    "x.y.z": "token not accepted",
}


@pytest.mark.parametrize("token", REASONS)
@pytest.mark.parametrize("number", range(2))
def test_refused_with_a_reason(line, line_of, token, number):
    with line() as talk:
        assert talk.ask(token=token, n=number) == {"type": "refused", "why": REASONS[token], "phase": "refused"}
        with pytest.raises(ConnectionClosed) as closed:
            talk.hear()
        assert closed.value.rcvd.code == 4401
    with line_of("ada") as talk:
        assert talk.ask(type="ping", id=1)["id"] == 1


@pytest.mark.parametrize("text", ["no json", "[]"])
def test_refused_without_an_object(line, line_of, text):
    with line() as talk:
        talk.socket.send(text)
        assert talk.hear() == {"type": "refused", "why": "a JSON object is needed", "phase": "refused"}
    with line_of("ada") as talk:
        assert talk.ask(type="ping", id=1)["id"] == 1
