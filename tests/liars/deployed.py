"""A small service over HTTP and WebSockets that also keeps the request log of its revision."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiohttp import WSMsgType, web

from untilgreen.model.evidence import Request

SERVICE, REVISION = "api", "api-00007"
PEOPLE = {"ada": "pw-ada", "bob": "pw-bob"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Deployed:
    """Agents that can be made, looked at and deleted by whoever has logged in."""

    def __init__(self) -> None:
        self.rows: list[Request] = []
        self.url = ""
        self._agents: dict[str, dict[str, str]] = {}
        self._numbers = itertools.count(1)
        self._visits: Counter[str] = Counter()

    @property
    def host(self) -> str:
        """Return host:port."""
        return self.url.removeprefix("http://")

    def application(self) -> web.Application:
        """Return what answers."""

        @web.middleware
        async def logged(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                response = await handler(request)
            except web.HTTPException as refusal:
                self._log(request, refusal.status)
                raise
            self._log(request, response.status)
            return response

        app = web.Application(middlewares=[logged])
        app.router.add_get("/health", self._health)
        app.router.add_get("/old", self._moved)
        app.router.add_post("/login", self._login)
        app.router.add_post("/agents", self._make)
        app.router.add_get("/agents/{id}", self._show)
        app.router.add_delete("/agents/{id}", self._delete)
        app.router.add_get("/jobs/{id}", self._job)
        app.router.add_get("/busy/{id}", self._busy)
        app.router.add_get("/stream/{count}", self._stream)
        app.router.add_get("/ws", self._converse)
        return app

    def _log(self, request: web.Request, status: int) -> None:
        trace = request.headers.get("traceparent", "").split("-")
        self.rows.append(
            Request(
                service=SERVICE,
                revision=REVISION,
                method=request.method,
                path=request.path,
                status=status,
                latency_s=0.001,
                trace=f"projects/moon/traces/{trace[1]}" if len(trace) > 1 else "",
                insert_id=str(len(self.rows)),
            )
        )

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "version": "7"})

    async def _moved(self, _: web.Request) -> web.Response:
        raise web.HTTPFound("/health")

    async def _login(self, request: web.Request) -> web.Response:
        told = await request.json()
        if PEOPLE.get(told.get("name")) != told.get("password"):
            return web.json_response({"error": "wrong name or password"}, status=401)
        return web.json_response({"token": f"token-of-{told['name']}"})

    def _caller(self, request: web.Request) -> str:
        name = request.headers.get("Authorization", "").removeprefix("Bearer token-of-")
        if name not in PEOPLE:
            raise web.HTTPUnauthorized(text='{"error": "no token"}', content_type="application/json")
        return name

    async def _make(self, request: web.Request) -> web.Response:
        owner, told = self._caller(request), await request.json()
        if not told.get("name"):
            return web.json_response({"error": "name is missing"}, status=422)
        agent = {"id": f"a{next(self._numbers)}", "name": told["name"], "owner": owner}
        self._agents[agent["id"]] = agent
        return web.json_response(agent, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        self._caller(request)
        agent = self._agents.get(request.match_info["id"])
        return web.json_response(agent or {"error": "no such agent"}, status=200 if agent else 404)

    async def _delete(self, request: web.Request) -> web.Response:
        self._caller(request)
        return web.Response(status=204 if self._agents.pop(request.match_info["id"], None) else 404)

    async def _job(self, request: web.Request) -> web.Response:
        self._visits[request.path] += 1
        return web.json_response({"state": "done" if self._visits[request.path] > 2 else "running"})

    async def _busy(self, request: web.Request) -> web.Response:
        self._visits[request.path] += 1
        if self._visits[request.path] % 3:
            return web.json_response({"error": "busy"}, status=503)
        return web.json_response({"status": "ok"})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        for number in range(int(request.match_info["count"])):
            await response.write(b'{"n": %d}\n' % number)
        await response.write_eof()
        return response

    async def _converse(self, request: web.Request) -> web.StreamResponse:
        self._caller(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT and message.data == "bad":
                await socket.close(code=4400)
            elif message.type is WSMsgType.TEXT:
                await socket.send_str(f"echo {message.data}")
        return socket


@contextmanager
def deployed() -> Iterator[Deployed]:
    """Run the service in a thread of its own."""
    service, loop, up = Deployed(), asyncio.new_event_loop(), threading.Event()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def runner() -> AsyncIterator[None]:
        running = web.AppRunner(service.application(), access_log=None, shutdown_timeout=0.2)
        await running.setup()
        await web.TCPSite(running, "127.0.0.1", 0).start()
        service.url = f"http://127.0.0.1:{running.addresses[0][1]}"
        up.set()
        yield
        await running.cleanup()

    life = runner()
    asyncio.run_coroutine_threadsafe(anext(life), loop).result()
    try:
        yield service
    finally:
        asyncio.run_coroutine_threadsafe(anext(life, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
