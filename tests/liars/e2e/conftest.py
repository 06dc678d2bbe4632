"""How the team's tests reach its service."""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx
import pytest


@pytest.fixture(scope="session")
def url() -> str:
    """Where the service is."""
    return os.environ["URL"]


@pytest.fixture(scope="session")
def token(url: str) -> str:
    """Log in once."""
    answer = httpx.post(f"{url}/login", json={"name": "ada", "password": "pw-ada"})
    answer.raise_for_status()
    return str(answer.json()["token"])


@pytest.fixture
def api(url: str, token: str) -> Iterator[httpx.Client]:
    """A client that has logged in."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


@pytest.fixture
def agent(api: httpx.Client) -> Iterator[dict[str, str]]:
    """An agent that is deleted afterwards."""
    made = api.post("/agents", json={"name": "probe"})
    made.raise_for_status()
    yield made.json()
    api.delete(f"/agents/{made.json()['id']}")
