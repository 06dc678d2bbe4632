"""The way in for official clients that are only configured: TLS, roots from the environment, no code of ours."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from untilgreen.emulator.tls import certificate

CLIENT = """
import sys
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import logging_v2, run_v2, secretmanager_v1

options = dict(client_options={"api_endpoint": sys.argv[1]}, credentials=AnonymousCredentials())
parent = "projects/emulator-moon/locations/moon-central1"
print(len(list(run_v2.ServicesClient(**options).list_services(parent=parent, timeout=10))))
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
logs = LoggingServiceV2Client(**options)
entry = {"log_name": "projects/emulator-moon/logs/tls", "text_payload": "hi"}
logs.write_log_entries(log_name="", resource={"type": "global"}, labels={}, entries=[entry])
print(len(list(logs.list_log_entries(resource_names=["projects/emulator-moon"]))))
secrets = secretmanager_v1.SecretManagerServiceClient(**options)
print(len(list(secrets.list_secrets(parent="projects/emulator-moon"))))
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def ready(state: Path) -> Iterator[dict[str, Any]]:
    """What the emulator prints when it is ready."""
    command = [sys.executable, "-m", "untilgreen.emulator", "--state", str(state), "--with-parent"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        yield json.loads(process.stdout.readline() if process.stdout else b"")
        process.send_signal(signal.SIGTERM)


def call(endpoint: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-c", CLIENT, endpoint]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **environment}
    )


def test_official_clients_need_no_code(ready: dict[str, Any]) -> None:
    """With the printed environment and endpoint, each official client works by its documented options alone."""
    done = call(ready["tls"], ready["environment"])
    assert done.stdout.split() == ["0", "1", "0"], done.stderr


def test_nobody_else_trusts_it(ready: dict[str, Any], tmp_path: Path) -> None:
    """A client that trusts other roots refuses the certificate."""
    other = grpc.ssl_channel_credentials(root_certificates=certificate(tmp_path / "other").chain)
    with grpc.secure_channel(ready["tls"], other) as channel, pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/google.cloud.run.v2.Services/ListServices")(b"", timeout=5)
    assert "CERTIFICATE_VERIFY_FAILED" in (error.value.details() or "")


def test_the_first_line_says_where_everything_is(ready: dict[str, Any], state: Path) -> None:
    """It names both endpoints, the environment, the file for faults and the process."""
    assert ready["endpoint"].startswith("127.0.0.1:")
    assert ready["tls"].startswith("localhost:")
    assert Path(ready["environment"]["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"]).read_bytes().startswith(b"-----BEGIN CERT")
    assert ready["faults"] == str(state / "faults.json")
    assert Path(f"/proc/{ready['pid']}").exists()


def test_a_certificate_is_kept_until_it_is_old(tmp_path: Path) -> None:
    """The next start uses the same certificate; one that ends soon, or was never finished, is replaced."""
    first = certificate(tmp_path / "tls")
    assert certificate(tmp_path / "tls") == first
    (tmp_path / "tls" / "until").write_text((datetime.now(UTC) + timedelta(days=2)).isoformat())
    second = certificate(tmp_path / "tls")
    assert second.chain != first.chain
    (tmp_path / "tls" / "until").unlink()
    assert certificate(tmp_path / "tls").chain != second.chain
