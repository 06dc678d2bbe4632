"""The backend: people start, watch, stop and cancel their agents here."""

import logging
import os

import log
import settings
from agents import Agents
from aiohttp import ClientSession, web
from keys import AGENTS, AUTH, SETTINGS, TOPICS
from problems import answer_problems
from routes import ROUTES
from topics import Topics

LARGEST_PAYLOAD = 64 * 1024

logger = logging.getLogger("backend")


def build(wanted):
    """Return the application."""
    app = web.Application(middlewares=[log.remember_trace, answer_problems], client_max_size=LARGEST_PAYLOAD)
    app[SETTINGS] = wanted
    app[AGENTS] = Agents()
    app[TOPICS] = Topics()
    app.cleanup_ctx.append(connection_to_auth)
    app.add_routes(ROUTES)
    return app


async def connection_to_auth(app):
    """Keep one pool of connections to auth open while the service runs."""
    async with ClientSession(app[SETTINGS].auth_url) as session:
        app[AUTH] = session
        yield


if __name__ == "__main__":
    log.start()
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8080"))
    logger.info("backend starts on port %s", port)
    app = build(settings.from_environment())
    web.run_app(app, host=host, port=port, print=None, access_log=None, shutdown_timeout=2)
