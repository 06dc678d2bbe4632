"""Stands in for deployed services on this machine, and breaks what they answer.

One server a service, all on one event loop in a thread of its own. Nothing is logged and nothing is kept: requests
carry credentials.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, WSCloseCode, web
from multidict import CIMultiDict
from yarl import URL

from untilgreen.model.suite import Control

PHASE = "X-Untilgreen-Phase"
"""The header by which a request says which part of a test it comes from."""
_PASSED_ON = ("setup", "teardown", "begin")
"""Fixtures, and what only gets a test going."""
_LOOPBACK = "127.0.0.1"
_GRACE_S = 0.5
_PATIENCE_S = 120.0
"""For the real service, while a fixture waits for it; tests have time-outs of their own."""
_OF_A_CONNECTION = frozenset(
    {
        "connection",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that concern one hop only; each side makes its own."""
_UNASKED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""What aiohttp would add by itself."""

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BreakingProxy:
    """Stand-ins on the loopback interface, each on a free port."""

    @contextmanager
    def broken(
        self, services: Mapping[str, str], control: Control, *, entirely: bool = False
    ) -> Iterator[dict[str, str]]:
        """Listen for each service, break what tests get, and pass on what fixtures ask unless all is to break."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name=f"control-{control}", daemon=True)
        thread.start()
        house = _House(services, _ANSWERS[control], entirely=entirely)
        try:
            yield asyncio.run_coroutine_threadsafe(house.open(), loop).result()
        finally:
            asyncio.run_coroutine_threadsafe(house.close(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


class _House:
    """All stand-ins of one run."""

    def __init__(self, services: Mapping[str, str], answer: Answer, *, entirely: bool) -> None:
        self._services = {name: url.rstrip("/") for name, url in services.items()}
        self._answer = answer
        self._entirely = entirely
        self._runners: list[web.AppRunner] = []
        self._session: ClientSession | None = None
        self._stand_ins: dict[str, str] = {}

    async def open(self) -> dict[str, str]:
        self._session = ClientSession(
            auto_decompress=False,
            connector=TCPConnector(limit=0),
            cookie_jar=DummyCookieJar(),
            skip_auto_headers=_UNASKED,
            timeout=ClientTimeout(total=_PATIENCE_S),
            trust_env=True,
        )
        for name, url in self._services.items():
            self._stand_ins[name] = await self._listen(url)
        return self._stand_ins

    async def close(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        if self._session:
            await self._session.close()

    async def _listen(self, real: str) -> str:
        async def answer(request: web.Request) -> web.StreamResponse:
            return await (self._pass_on(real, request) if self._passes(request) else self._answer(request))

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None, logger=_SILENT, shutdown_timeout=_GRACE_S)
        self._runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, _LOOPBACK, 0).start()
        return f"http://{_LOOPBACK}:{runner.addresses[0][1]}"

    def _passes(self, request: web.Request) -> bool:
        return not self._entirely and request.headers.get(PHASE) in _PASSED_ON and not _opens_socket(request)

    async def _pass_on(self, real: str, request: web.Request) -> web.StreamResponse:
        """Let the real service answer; when it does not, nobody does."""
        headers = self._translated(request.headers, outwards=True)
        headers["Host"] = urlsplit(real).netloc
        target = URL(real + request.raw_path, encoded=True)
        body = request.content if request.can_read_body else None
        session: Any = self._session
        try:
            async with session.request(
                request.method, target, headers=headers, data=body, allow_redirects=False
            ) as found:
                passed = web.StreamResponse(
                    status=found.status, reason=found.reason, headers=self._translated(found.headers, outwards=False)
                )
                await passed.prepare(request)
                async for chunk in found.content.iter_any():
                    await passed.write(chunk)
                await passed.write_eof()
                return passed
        except (ClientError, TimeoutError):
            return await _silence(request)

    def _translated(self, headers: Any, *, outwards: bool) -> CIMultiDict[str]:
        """Return end-to-end headers in which each side finds the names by which it knows the services."""
        kept: CIMultiDict[str] = CIMultiDict()
        for name, value in headers.items():
            if name.lower() not in _OF_A_CONNECTION:
                kept.add(name, self._cookie(value) if name.lower() == "set-cookie" else self._named(value, outwards))
        return kept

    def _named(self, value: str, outwards: bool) -> str:
        for name, stand_in in self._stand_ins.items():
            real = self._services[name]
            value = value.replace(stand_in, real) if outwards else value.replace(real, stand_in)
        return value

    def _cookie(self, value: str) -> str:
        """Let a cookie of the real service be sent to what stands in for it: another host, and no TLS."""
        parts = value.split(";")
        bound = ("secure", "domain=")
        return ";".join(part for part in parts if not part.strip().lower().startswith(bound) or part is parts[0])


async def _error(_: web.Request) -> web.StreamResponse:
    return web.json_response({"error": "broken on purpose"}, status=500)


async def _empty(request: web.Request) -> web.StreamResponse:
    """Answer with nothing in it; a conversation begins and is over."""
    if not _opens_socket(request):
        return web.Response(status=200)
    asked = request.headers.get("Sec-WebSocket-Protocol", "")
    socket = web.WebSocketResponse(
        timeout=_GRACE_S, protocols=[name.strip() for name in asked.split(",") if name.strip()]
    )
    await socket.prepare(request)
    await socket.close(code=WSCloseCode.OK)
    return socket


async def _silence(request: web.Request) -> web.StreamResponse:
    """End the connection; what is returned finds nobody to go to."""
    if request.transport:
        request.transport.close()
    return web.Response()


def _opens_socket(request: web.Request) -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"


_ANSWERS: dict[Control, Answer] = {
    Control.ERROR: _error,
    Control.EMPTY: _empty,
    Control.SILENCE: _silence,
    Control.LATER_ERROR: _error,
    Control.LATER_EMPTY: _empty,
}
_SILENT = logging.Logger("silent", logging.CRITICAL + 1)  # noqa: LOG001 - one that nobody can turn on: requests carry credentials
