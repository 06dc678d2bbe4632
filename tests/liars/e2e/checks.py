"""What the team's tests share."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

T = TypeVar("T")


def has_status(answer: httpx.Response, status: int) -> None:
    """Check a status, and show the body when it is another."""
    assert answer.status_code == status, answer.text


def expect_json(answer: httpx.Response, **wanted: Any) -> None:
    """Check fields of a body."""
    body = answer.json()
    for name, value in wanted.items():
        if body.get(name) != value:
            raise AssertionError(f"{name} is {body.get(name)!r}, not {value!r}")


def eventually(look: Callable[[], T], tries: int = 20) -> T:
    """Try again until nothing is wrong any more."""
    for _ in range(tries - 1):
        try:
            return look()
        except AssertionError:
            time.sleep(0.01)
    return look()


class AgentsError(Exception):
    """The service refused."""


class Agents:
    """A client of the kind that teams write: it raises what it cannot do."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def make(self, name: str) -> dict[str, Any]:
        """Make an agent."""
        answer = self._http.post("/agents", json={"name": name})
        if answer.status_code != 201:
            raise AgentsError(answer.text)
        made: dict[str, Any] = answer.json()
        return made

    def drop(self, agent: dict[str, Any]) -> None:
        """Delete an agent."""
        self._http.delete(f"/agents/{agent['id']}").raise_for_status()
