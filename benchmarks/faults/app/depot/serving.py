"""Routes by decorator, and answers."""

import logging

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

ROUTES = []
logger = logging.getLogger("serving")


def get(path):
    return _serves(path, "GET")


def post(path):
    return _serves(path, "POST")


def _serves(path, method):
    def keep(function):
        async def endpoint(request):
            request.state.body = await request.json() if method == "POST" else {}
            try:
                return await run_in_threadpool(function, request)
            except Exception:
                logger.exception("%s %s", method, request.url.path)
                return answer({"error": "internal"}, 500)

        ROUTES.append(Route(path, endpoint, methods=[method]))
        return function

    return keep


def answer(body, status=200):
    return JSONResponse(body, status_code=status)
