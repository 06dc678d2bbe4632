"""What a caller did wrong, as one exception that both HTTP and the WebSocket can answer."""

from aiohttp import web
from wire import json_answer


class Problem(Exception):
    """A request that cannot be served: an HTTP status, a short error, and details for the caller."""

    def __init__(self, status, error, **details):
        super().__init__(error)
        self.status = status
        self.error = error
        self.details = details


@web.middleware
async def answer_problems(request, handler):
    """Turn problems into JSON answers."""
    try:
        return await handler(request)
    except Problem as problem:
        return json_answer({"error": problem.error, **problem.details}, status=problem.status)
    except web.HTTPRequestEntityTooLarge:
        return json_answer({"error": "payload too large", "limit": request.client_max_size}, status=413)


async def json_object(request):
    """Return the JSON object that a request brings; no body counts as an empty one."""
    if not await request.read():
        return {}
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Problem(400, "bad payload", field="", expected="a JSON object")
    return body
