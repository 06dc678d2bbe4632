"""Honest tests, as different people write them."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import time
import unittest
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import httpx
import pytest
import requests
import urllib3
from checks import Agents, eventually, expect_json, has_status
from pydantic import BaseModel
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect


class Health(BaseModel):
    """What the health path says."""

    status: str
    version: str


def test_makes_and_shows(api):
    """Set-up, act, check, in one."""
    made = api.post("/agents", json={"name": "first"})
    assert made.status_code == 201
    shown = api.get(f"/agents/{made.json()['id']}")
    assert shown.json()["name"] == "first"
    assert shown.json()["owner"] == "ada"


def test_shows_what_a_fixture_made(api, agent):
    """A fixture does the work before."""
    assert api.get(f"/agents/{agent['id']}").json() == agent


@pytest.mark.parametrize("name", ["x", "zwölf", "a" * 60])
def test_names(api, name):
    """One test, several names."""
    assert api.post("/agents", json={"name": name}).json()["name"] == name


def test_polls(url):
    """Asks until the job is done."""
    path, end = f"{url}/jobs/{time.monotonic_ns()}", time.monotonic() + 5
    state = ""
    while state != "done" and time.monotonic() < end:
        state = httpx.get(path).json()["state"]
    assert state == "done"


def test_tries_again(url):
    """Fails inside a helper until the service has time."""
    path = f"{url}/busy/{time.monotonic_ns()}"

    def look():
        answer = httpx.get(path)
        assert answer.status_code == 200
        return answer

    assert eventually(look).json() == {"status": "ok"}


def test_tries_again_with_a_helper_that_raises(url):
    """The same, with a helper that raises by itself."""
    path = f"{url}/busy/{time.monotonic_ns()}"
    eventually(lambda: expect_json(httpx.get(path), status="ok"))


@pytest.mark.anyio
async def test_async(url, token):
    """An async test with an async client."""
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        made = await client.post("/agents", json={"name": "async"})
        assert made.json()["name"] == "async"


@pytest.fixture
def anyio_backend():
    """The loop that async tests run on."""
    return "asyncio"


def test_many_at_once(url):
    """Several requests at the same time."""

    async def main():
        async with aiohttp.ClientSession(url) as session:

            async def status():
                async with session.get("/health") as answer:
                    return (await answer.json())["status"]

            return await asyncio.gather(*(status() for _ in range(5)))

    assert asyncio.run(main()) == ["ok"] * 5


def test_threads(api):
    """Several threads at the same time."""
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda n: api.post("/agents", json={"name": f"t{n}"}).json(), range(4)))
    assert sorted(agent["name"] for agent in made) == ["t0", "t1", "t2", "t3"]


def test_echo(url, token):
    """A conversation."""
    with connect(f"{url.replace('http', 'ws')}/ws", additional_headers={"Authorization": f"Bearer {token}"}) as socket:
        socket.send("hello")
        assert socket.recv() == "echo hello"


def test_closed_by_the_service(url, token):
    """A conversation that the service ends."""

    async def main():
        headers = {"Authorization": f"Bearer {token}"}
        async with connect_async(f"{url.replace('http', 'ws')}/ws", additional_headers=headers) as socket:
            await socket.send("bad")
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            return closed.value.rcvd.code

    assert asyncio.run(main()) == 4400


def test_no_token_no_conversation(url):
    """A refused handshake is what is wanted."""
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{url.replace('http', 'ws')}/ws")
    assert refused.value.response.status_code == 401


def test_aiohttp_conversation(url, token):
    """A conversation with another library."""

    async def main():
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
            session.ws_connect(f"{url}/ws") as socket,
        ):
            await socket.send_str("hi")
            return (await socket.receive()).data

    assert asyncio.run(main()) == "echo hi"


def test_wrong_password(url):
    """An error path."""
    answer = httpx.post(f"{url}/login", json={"name": "ada", "password": "guess"})
    assert answer.status_code == 401
    assert answer.json()["error"] == "wrong name or password"


def test_without_token(url):
    """An error path that looks at the status alone."""
    assert requests.get(f"{url}/agents/a1").status_code == 401


def test_logs_in_by_itself(url):
    """Logs in, and looks at what that is good for."""
    token = httpx.post(f"{url}/login", json={"name": "bob", "password": "pw-bob"}).json()["token"]
    made = httpx.post(f"{url}/agents", json={"name": "own"}, headers={"Authorization": f"Bearer {token}"})
    assert made.json()["owner"] == "bob"


def test_log_in_is_what_counts(url):
    """Checks the log-in, and cleans up behind itself."""
    answer = httpx.post(f"{url}/login", json={"name": "bob", "password": "pw-bob"})
    assert answer.json() == {"token": "token-of-bob"}
    httpx.post(f"{url}/agents", json={"name": "left"}, headers={"Authorization": "Bearer token-of-bob"})


def test_first_without_then_with_a_token(url, token):
    """Is refused, then let in."""
    assert httpx.get(f"{url}/agents/none").status_code == 401
    answer = httpx.get(f"{url}/agents/none", headers={"Authorization": f"Bearer {token}"})
    assert answer.json() == {"error": "no such agent"}


def test_cleans_up_before_it_checks(api):
    """Deletes first, and checks what it had got."""
    made = api.post("/agents", json={"name": "short"})
    api.delete(f"/agents/{made.json()['id']}")
    assert made.json()["name"] == "short"


def test_name_is_missing(api):
    """Another one, through a helper module."""
    has_status(api.post("/agents", json={}), 422)


def test_deleted_is_gone(api, agent):
    """A status without a body, then an error."""
    assert api.delete(f"/agents/{agent['id']}").status_code == 204
    assert api.get(f"/agents/{agent['id']}").status_code == 404


def test_head(url):
    """An answer that has no body by nature."""
    assert httpx.head(f"{url}/health").status_code == 200


def test_streams(url):
    """An answer that comes in pieces."""
    with httpx.stream("GET", f"{url}/stream/5") as answer:
        numbers = [json.loads(line)["n"] for line in answer.iter_lines()]
    assert numbers == [0, 1, 2, 3, 4]


def test_follows_a_redirect(url):
    """Two answers for one question."""
    answer = requests.get(f"{url}/old")
    assert [hop.status_code for hop in answer.history] == [302]
    assert answer.json()["status"] == "ok"


def test_raises_for_status(url):
    """A library checks the status, the test the rest."""
    answer = requests.get(f"{url}/health")
    answer.raise_for_status()
    assert answer.json()["version"] == "7"


def test_schema(url):
    """A schema is the check."""
    Health.model_validate(httpx.get(f"{url}/health").json())


def test_urllib(url):
    """The standard library."""
    with urllib.request.urlopen(f"{url}/health") as answer:
        assert json.load(answer)["status"] == "ok"


def test_urllib3(url):
    """Its better-known successor."""
    assert urllib3.PoolManager().request("GET", f"{url}/health").json()["status"] == "ok"


def test_http_client(url):
    """One connection, two requests."""
    connection = http.client.HTTPConnection(url.partition("//")[2])
    for _ in range(2):
        connection.request("GET", "/health")
        assert json.loads(connection.getresponse().read())["status"] == "ok"
    connection.close()


def test_fails_by_hand(url):
    """Says itself what is wrong."""
    answer = httpx.get(f"{url}/health")
    if answer.json().get("status") != "ok":
        pytest.fail(f"it is {answer.text}")


def test_client_that_raises(api):
    """Nothing is asserted: the team's own client raises."""
    agents = Agents(api)
    agents.drop(agents.make("raised"))


def test_parts(url, subtests):
    """One test in parts."""
    for name, value in (("status", "ok"), ("version", "7")):
        with subtests.test(name):
            assert httpx.get(f"{url}/health").json()[name] == value


class TestLifeOfAnAgent:
    """Tests of one thing in one class."""

    @pytest.fixture
    def made(self, api):
        """An agent of this class."""
        return api.post("/agents", json={"name": "classy"}).json()

    def test_owner(self, api, made):
        """Who made it owns it."""
        assert api.get(f"/agents/{made['id']}").json()["owner"] == "ada"


class TestOldStyle(unittest.TestCase):
    """A class of the old kind."""

    def setUp(self):
        """Log in."""
        answer = requests.post(f"{os.environ['URL']}/login", json={"name": "bob", "password": "pw-bob"})
        self.headers = {"Authorization": f"Bearer {answer.json()['token']}"}

    def test_make(self):
        """Make one."""
        made = requests.post(f"{os.environ['URL']}/agents", json={"name": "old"}, headers=self.headers)
        self.assertEqual(made.status_code, 201)
        self.assertEqual(made.json()["owner"], "bob")

    def test_unknown(self):
        """Look for one that is not there."""
        for agent in ("none", "nobody"):
            with self.subTest(agent=agent):
                answer = requests.get(f"{os.environ['URL']}/agents/{agent}", headers=self.headers)
                self.assertEqual(answer.json(), {"error": "no such agent"})
