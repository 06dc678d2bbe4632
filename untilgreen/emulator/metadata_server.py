"""The metadata server: tells an instance who it is, and gives it tokens of its own service account.

Each instance has one of its own on the loopback interface, and finds it by GCE_METADATA_HOST; on Cloud Run it has a
fixed address. Google's clients need no other setting. Its certificates, which Google has at a URL of its own, are at
`/oauth2/v1/certs` and `/oauth2/v3/certs` here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from untilgreen.emulator import http1
from untilgreen.emulator.http1 import Head
from untilgreen.emulator.names import ServiceName, project_number
from untilgreen.emulator.port_book import LOOPBACK

_OUTSIDE = ServiceName("emulator-moon", "moon-central1", "-")
DEPLOYER = "deployer@emulator-moon.iam.gserviceaccount.com"
_ROOT = "/computeMetadata/v1"
_ACCOUNTS = f"{_ROOT}/instance/service-accounts"
_LIFETIME_S = 3599
_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_TEXT, _JSON = "application/text", "application/json"
_PHRASES = {200: b"OK", 400: b"Bad Request", 403: b"Forbidden", 404: b"Not Found"}


class Issuer(Protocol):
    """Issues tokens."""

    def identity(self, account: str, audience: str) -> str:
        """Return an ID token."""

    def access(self, account: str) -> str:
        """Return an access token."""

    def certificates(self) -> dict[str, str]:
        """Return certificates by their ids."""

    def key_set(self) -> dict[str, Any]:
        """Return a JSON Web Key Set."""


@dataclass(frozen=True)
class Identity:
    """Who asks.

    Args:
        account: email of its service account.
        service: whose instance it is.
        instance: its id.
        any_account: whether it gets the tokens of other service accounts too, as a deployer may.
    """

    account: str
    service: ServiceName
    instance: str
    any_account: bool = False


@dataclass(frozen=True)
class _Answer:
    status: int
    body: str
    kind: str = _TEXT


class Identities:
    """Opens metadata servers.

    Args:
        tokens: issues what they give.
    """

    def __init__(self, tokens: Issuer) -> None:
        self._tokens = tokens

    async def open(self, identity: Identity) -> MetadataServer:
        """Return a metadata server for someone, which answers at once."""
        server = MetadataServer(identity, self._tokens)
        await server.open()
        return server

    async def open_outside(self) -> MetadataServer:
        """Return a metadata server for programs outside: theirs are the tokens of all service accounts."""
        return await self.open(Identity(DEPLOYER, _OUTSIDE, "0", any_account=True))


class MetadataServer:
    """Answers one instance, at a port of its own.

    Args:
        identity: whose it is.
        tokens: issues what it gives.
    """

    def __init__(self, identity: Identity, tokens: Issuer) -> None:
        self._identity = identity
        self._tokens = tokens
        self._server: asyncio.Server | None = None
        self.host = ""

    async def open(self) -> None:
        """Begin to answer."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.host = "{}:{}".format(*self._server.sockets[0].getsockname())

    def close(self) -> None:
        """Stop."""
        if self._server:
            self._server.close()

    def environment(self) -> dict[str, str]:
        """Return the variables by which Google's clients find it."""
        return {"GCE_METADATA_HOST": self.host, "GCE_METADATA_IP": self.host}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(http1.Malformed, OSError):
            while head := await http1.read_head(reader):
                answer = self._answer(head)
                body = answer.body.encode()
                headers = [
                    (b"Metadata-Flavor", b"Google"),
                    (b"Server", b"Metadata Server for Serverless"),
                    (b"Content-Type", answer.kind.encode()),
                    (b"Content-Length", b"%d" % len(body)),
                ]
                start = (b"HTTP/1.1", b"%d" % answer.status, _PHRASES[answer.status])
                writer.write(http1.encode_head(start, headers) + body)
                await writer.drain()
        writer.close()

    def _answer(self, head: Head) -> _Answer:
        url = urlsplit(head.start[1].decode("latin-1"))
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        path = url.path.rstrip("/")
        if path == "/oauth2/v1/certs":
            return _Answer(200, json.dumps(self._tokens.certificates()), _JSON)
        if path == "/oauth2/v3/certs":
            return _Answer(200, json.dumps(self._tokens.key_set()), _JSON)
        if path == "":
            return _Answer(200, "computeMetadata/")
        if head.fields.get(b"metadata-flavor", b"").lower() != b"google":
            return _Answer(403, "Missing Metadata-Flavor:Google header.")
        if path.startswith(f"{_ACCOUNTS}/"):
            return self._of_account(path.removeprefix(f"{_ACCOUNTS}/"), query)
        known = self._facts().get(path.removeprefix(_ROOT))
        return _Answer(200, known) if known is not None else _Answer(404, "")

    def _facts(self) -> dict[str, str]:
        service = self._identity.service
        number = project_number(service.project)
        return {
            "": "instance/\nproject/",
            "/project/project-id": service.project,
            "/project/numeric-project-id": str(number),
            "/instance/id": self._identity.instance,
            "/instance/region": f"projects/{number}/regions/{service.location}",
            "/instance/zone": f"projects/{number}/zones/{service.location}-1",
            "/instance/service-accounts": f"default/\n{self._identity.account}/",
            "/universe/universe-domain": "googleapis.com",
        }

    def _of_account(self, path: str, query: dict[str, str]) -> _Answer:
        name, _, wanted = path.partition("/")
        account = self._identity.account if name == "default" else name
        if account != self._identity.account and not self._identity.any_account:
            return _Answer(404, "")
        if wanted == "identity":
            audience = query.get("audience", "")
            missing = _Answer(400, "non-empty audience parameter required")
            return _Answer(200, self._tokens.identity(account, audience)) if audience else missing
        answers: dict[str, Callable[[], _Answer]] = {
            "": lambda: _account(account, recursive=query.get("recursive", "").lower() == "true"),
            "email": lambda: _Answer(200, account),
            "aliases": lambda: _Answer(200, "default"),
            "scopes": lambda: _Answer(200, "\n".join(_SCOPES)),
            "token": lambda: self._access(account),
        }
        return answers[wanted]() if wanted in answers else _Answer(404, "")

    def _access(self, account: str) -> _Answer:
        token = {"access_token": self._tokens.access(account), "expires_in": _LIFETIME_S, "token_type": "Bearer"}
        return _Answer(200, json.dumps(token), _JSON)


def _account(account: str, *, recursive: bool) -> _Answer:
    if not recursive:
        return _Answer(200, "aliases\nemail\nidentity\nscopes\ntoken")
    return _Answer(200, json.dumps({"aliases": ["default"], "email": account, "scopes": _SCOPES}), _JSON)
