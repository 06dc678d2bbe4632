"""One machine up and down, and the word by which its server knows people."""

from __future__ import annotations

import base64
import socket
from pathlib import Path

import pytest

from untilgreen import station
from untilgreen.adapters import prefect_login
from untilgreen.errors import ConfigError


def test_a_taken_port_is_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where, what, what to do; and nothing was started."""
    monkeypatch.setenv("UNTILGREEN_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port} is taken by another program\. Choose another"):
            station.up(tmp_path, port, print)
    assert not (tmp_path / "server.json").exists()


def test_the_servers_word_is_the_clients_unless_it_has_its_own() -> None:
    """Who starts the server sets one variable; a client that has its own keeps it; without any nothing is sent."""
    assert prefect_login.headers({}) == {}
    sent = prefect_login.headers({prefect_login.SERVERS: "a:b"})["Authorization"]
    assert base64.b64decode(sent.removeprefix("Basic ")) == b"a:b"
    assert prefect_login.ours({prefect_login.SERVERS: "a:b", prefect_login.OURS: "c:d"}) == {
        "PREFECT_API_AUTH_STRING": "c:d"
    }


def test_a_worker_is_not_told_what_the_server_keeps() -> None:
    """A worker gets the word, and neither the database's address nor the server's own variable."""
    told = prefect_login.of_client(
        {prefect_login.SERVERS: "a:b", "PREFECT_SERVER_DATABASE_CONNECTION_URL": "x", "A": "1"}
    )
    assert told == {"A": "1", "PREFECT_API_AUTH_STRING": "a:b"}
