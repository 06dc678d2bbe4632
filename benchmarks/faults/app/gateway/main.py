"""Gateway: the only service that clients talk to. It knows who they are and passes on what they want."""

import logging
import os

import limits
import log
import upstream
from aiohttp import web
from problems import answer_problems
from routes import ROUTES

logger = logging.getLogger("gateway")


@web.middleware
async def remember_trace(request, handler):
    log.traceparent.set(request.headers.get("traceparent", ""))
    return await handler(request)


def build():
    app = web.Application(
        middlewares=[remember_trace, answer_problems, limits.ask_tollgate], client_max_size=4 * 1024 * 1024
    )
    app.cleanup_ctx.append(upstream.connections)
    app.add_routes(ROUTES)
    return app


if __name__ == "__main__":
    log.start()
    port = int(os.environ.get("PORT", "8080"))
    logger.info("gateway listens on port %s", port)
    host = os.environ.get("HOST", "127.0.0.1")
    web.run_app(build(), host=host, port=port, print=None, access_log=None, shutdown_timeout=1)
