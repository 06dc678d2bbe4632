import json
import os
import uuid
from contextlib import contextmanager

import httpx
import pytest
from websockets.sync.client import connect

PASSWORDS = {"ada": "lamp-ada-41", "bob": "lamp-bob-42", "eve": "lamp-eve-43"}


@pytest.fixture(scope="session")
def http():
    with httpx.Client(base_url=os.environ["GATEWAY_URL"], timeout=20) as client:
        yield client


@pytest.fixture(scope="session")
def token_of():
    """Sign people in at accounts itself, once a session."""
    known = {}

    def token(user):
        if user not in known:
            url = os.environ["ACCOUNTS_URL"] + "/login"
            answer = httpx.post(url, json={"user": user, "password": PASSWORDS[user]}, timeout=20)
            assert answer.status_code == 200, answer.text
            known[user] = answer.json()["token"]
        return known[user]

    return token


class Desk:
    """Somebody at the gateway, with a token."""

    def __init__(self, http, token):
        self.http, self.headers = http, {"Authorization": f"Bearer {token}"}

    def get(self, path, **query):
        return self.http.get(path, params=query, headers=self.headers)

    def post(self, path, body=None, **more):
        return self.http.post(path, json=body, headers=self.headers, **more)

    def send(self, path, text):
        return self.http.post(path, content=text, headers=self.headers)

    def parcel(self, label="a lamp", grams=100):
        answer = self.post("/api/parcels", {"label": label, "grams": grams})
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture
def at_desk(http, token_of):
    return lambda user: Desk(http, token_of(user))


@pytest.fixture
def ada(at_desk):
    return at_desk("ada")


@pytest.fixture
def word():
    return f"w{uuid.uuid4().hex[:10]}"


class Line:
    """An open WebSocket."""

    def __init__(self, socket):
        self.socket = socket

    def say(self, **message):
        self.socket.send(json.dumps(message))

    def hear(self):
        return json.loads(self.socket.recv(timeout=20))

    def ask(self, **message):
        self.say(**message)
        return self.hear()


@pytest.fixture
def line():
    """Open a WebSocket and show nothing yet."""
    url = os.environ["GATEWAY_URL"].replace("http", "ws", 1) + "/ws"

    @contextmanager
    def opened():
        with connect(url, open_timeout=20) as socket:
            yield Line(socket)

    return opened


@pytest.fixture
def line_of(line, token_of):
    """Open a WebSocket and greet."""

    @contextmanager
    def opened(user):
        with line() as found:
            assert found.ask(token=token_of(user))["type"] == "welcome"
            yield found

    return opened
