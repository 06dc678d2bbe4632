"""How the tests reach what is deployed: BACKEND_URL and AUTH_URL say where it is."""

import json
import os
import uuid
from contextlib import contextmanager

import httpx
import pytest
from people import PEOPLE
from websockets.sync.client import connect


@pytest.fixture(scope="session")
def auth():
    """HTTP to auth, over connections that stay open."""
    with httpx.Client(base_url=os.environ["AUTH_URL"], timeout=20) as client:
        yield client


@pytest.fixture(scope="session")
def backend():
    """HTTP to the backend, over connections that stay open."""
    with httpx.Client(base_url=os.environ["BACKEND_URL"], timeout=20) as client:
        yield client


class SignedIn:
    """A person who talks to the backend with their token."""

    def __init__(self, backend, user, token):
        self.backend, self.user, self.token = backend, user, token
        self.bearer = {"Authorization": f"Bearer {token}"}

    def get(self, path, **query):
        return self.backend.get(path, params=query or None, headers=self.bearer)

    def post(self, path, **body):
        return self.backend.post(path, json=body, headers=self.bearer)

    def starts(self, agent, task="count the craters", **order):
        return self._orders(agent, "start", task=task, **order)

    def stops(self, agent, **why):
        return self._orders(agent, "stop", **why)

    def cancels(self, agent, reason):
        return self._orders(agent, "cancel", reason=reason)

    def _orders(self, agent, verb, **body):
        answer = self.post(f"/api/agents/{agent}/{verb}", **body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="session")
def sign_in(auth, backend):
    """Return a function that signs a person in, once a session."""
    known = {}

    def signed_in(user):
        if user not in known:
            answer = auth.post("/token", json={"user": user, "password": PEOPLE[user]["password"]})
            assert answer.status_code == 200, answer.text
            known[user] = SignedIn(backend, user, answer.json()["token"])
        return known[user]

    return signed_in


@pytest.fixture
def agent():
    """Return the name of an agent that nobody else uses, so that tests can run side by side and again."""
    return f"agent-{uuid.uuid4().hex[:12]}"


class Talk:
    """An open WebSocket that speaks JSON."""

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
def open_socket():
    """Return a context manager that opens a WebSocket and shows nothing yet."""
    url = os.environ["BACKEND_URL"].replace("http", "ws", 1) + "/ws"

    @contextmanager
    def opened():
        with connect(url, compression=None, open_timeout=20) as socket:
            yield Talk(socket)

    return opened


@pytest.fixture
def talk_as(open_socket, sign_in):
    """Return a context manager that opens a WebSocket and signs a person in on it."""

    @contextmanager
    def talking(user):
        with open_socket() as talk:
            assert talk.ask(type="auth", token=sign_in(user).token)["type"] == "auth_ok"
            yield talk

    return talking
