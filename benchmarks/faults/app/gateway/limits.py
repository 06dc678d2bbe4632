"""The tollgate of the network team says how much traffic there may be."""

import os

from aiohttp import web
from upstream import session


@web.middleware
async def ask_tollgate(request, handler):
    """Serve what the tollgate lets through; health checks do not pay."""
    if request.path == "/health":
        return await handler(request)
    async with session(request).get(os.environ["TOLLGATE_URL"]) as answer:
        if answer.status != 200:
            return web.json_response({"error": "try again later"}, status=answer.status)
    return await handler(request)
