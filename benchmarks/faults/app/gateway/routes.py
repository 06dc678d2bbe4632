"""What is where."""

import parcels
import people
import reports
import ws
from aiohttp import web


async def health(_request):
    return web.json_response({"status": "ok"})


ROUTES = [
    web.get("/health", health),
    web.post("/api/login", people.login),
    web.get("/api/me", people.me),
    web.get("/api/parcels", parcels.listing),
    web.post("/api/parcels", parcels.create),
    web.get("/api/parcels/{number}", parcels.show),
    web.post("/api/parcels/{number}/dispatch", parcels.dispatch),
    web.post("/api/parcels/{number}/recall", parcels.recall),
    web.get("/api/search", parcels.search),
    web.post("/api/manifests", parcels.manifest),
    web.get("/api/reports/weekly", reports.weekly),
    web.get("/api/reports/weights", reports.weights),
    web.get("/ws", ws.connect),
]
