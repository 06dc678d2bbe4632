"""Tests that log in by themselves, which needs an answer, and look at nothing of what follows."""

from __future__ import annotations

import httpx
import pytest
import requests

ADA = {"name": "ada", "password": "pw-ada"}


def logged_in(url):
    """Log in, as a helper of the team does."""
    answer = httpx.post(f"{url}/login", json=ADA)
    answer.raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def test_logs_in_and_looks_away(url):
    """Gets a token, asks, and is done."""
    token = httpx.post(f"{url}/login", json=ADA).json()["token"]
    httpx.get(f"{url}/agents/none", headers={"Authorization": f"Bearer {token}"})
    httpx.get(f"{url}/health", headers={"Authorization": f"Bearer {token}"})


def test_checks_the_log_in_alone(url):
    """Checks that it may ask, and not what it is told."""
    answer = requests.post(f"{url}/login", json=ADA)
    assert answer.status_code == 200
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    requests.get(f"{url}/health", headers=headers)


def test_any_answer_will_do(url):
    """Is content with whatever comes after the log-in."""
    answer = httpx.get(f"{url}/health", headers=logged_in(url))
    assert answer.status_code in (200, 404, 500)


def test_swallows_what_follows(url):
    """Catches every failure but that of its log-in."""
    headers = logged_in(url)
    try:
        assert httpx.get(f"{url}/health", headers=headers).json()["status"] == "ok"
    except Exception:
        print("later")


def test_status_only_once_it_is_in(url):
    """Needs the body of the log-in, and no other."""
    assert httpx.get(f"{url}/health", headers=logged_in(url)).status_code == 200


def test_makes_one_and_never_looks_at_it(api):
    """Needs an id to ask, and is not interested in what it gets."""
    made = api.post("/agents", json={"name": "seen"}).json()["id"]
    api.get(f"/agents/{made}")


@pytest.mark.anyio
async def test_logs_in_asynchronously(url):
    """The same with an async client whose cookies and headers stay."""
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.post("/login", json=ADA)
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        await client.get("/health")


@pytest.fixture
def anyio_backend():
    """The loop that async tests run on."""
    return "asyncio"
