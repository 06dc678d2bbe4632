"""Which path leads where."""

import api
import identity
import ws
from aiohttp import web

ROUTES = [
    web.get("/health", api.health),
    web.get("/api/health", api.health),
    web.get("/api/me", identity.me),
    web.get("/api/agents", api.agents),
    web.post("/api/agents/{name}/start", api.start),
    web.post("/api/agents/{name}/stop", api.stop),
    web.post("/api/agents/{name}/cancel", api.cancel),
    web.get("/api/agents/{name}/status", api.status),
    web.get("/api/agents/{name}/permissions", identity.permissions),
    web.get("/ws", ws.connect),
]
