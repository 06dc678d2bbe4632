"""What goes wrong, as answers."""

import logging

from aiohttp import web

logger = logging.getLogger("problems")


class Problem(Exception):
    """A request that cannot be served: a status and a short reason."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status, self.reason = status, reason


@web.middleware
async def answer_problems(request, handler):
    try:
        return await handler(request)
    except Problem as problem:
        return web.json_response({"error": problem.reason}, status=problem.status)
    except web.HTTPException:
        raise
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        return web.json_response({"error": "internal"}, status=500)
