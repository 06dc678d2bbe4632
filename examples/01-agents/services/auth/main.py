"""Auth: people get a token here, and other services ask here who its bearer is."""

import logging
import os

import calls
import log
import people
import tokens
from aiohttp import web

MAX_LIFETIME_S = 3600

PEOPLE = web.AppKey("people", dict)
JWT_KEY = web.AppKey("jwt_key", str)
SERVICE_SECRET = web.AppKey("service_secret", str)

logger = logging.getLogger("auth")


async def health(_request):
    return web.json_response({"status": "ok", "service": "auth"})


async def token(request):
    """Exchange a user name and a password for a token."""
    wish = await _object(request)
    user, password, lifetime = wish.get("user"), wish.get("password"), wish.get("lifetime_s", MAX_LIFETIME_S)
    if not isinstance(user, str) or not isinstance(password, str):
        return _refusal(400, "user and password must be texts")
    # A lifetime of 0 gives a token that is over at once: clients test their sign-in-again path with it.
    if type(lifetime) is not int or not 0 <= lifetime <= MAX_LIFETIME_S:
        return _refusal(400, f"lifetime_s must be a whole number from 0 to {MAX_LIFETIME_S}")
    person = request.app[PEOPLE].get(user)
    if person is None or not person.knows(password):
        return _refusal(401, "wrong user or password")
    issued = tokens.issue(user, person.roles, request.app[JWT_KEY], lifetime)
    return web.json_response({"token": issued, "user": user, "expires_in": lifetime})


async def check(request):
    """Tell another service of ours who the bearer of a token is, as of now."""
    try:
        calls.verify(request.headers, await request.read(), request.app[SERVICE_SECRET])
    except calls.CallRefused:
        logger.warning("A service call is refused", exc_info=True)
        return _refusal(403, "service call refused")
    try:
        claims = tokens.read((await _object(request)).get("token"), request.app[JWT_KEY])
    except tokens.TokenRefused as refusal:
        return _refusal(401, str(refusal))
    person = request.app[PEOPLE][claims["sub"]]
    return web.json_response({"user": person.user, "roles": person.roles, "team": person.team})


async def _object(request):
    """Return the JSON object that a request brings; anything else counts as an empty one."""
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refusal(status, error):
    return web.json_response({"error": error}, status=status)


def build():
    """Return the application, with everything that it needs from the environment."""
    app = web.Application(middlewares=[log.remember_trace])
    app[PEOPLE] = people.load()
    app[JWT_KEY] = os.environ["JWT_KEY"]
    app[SERVICE_SECRET] = os.environ["SERVICE_SECRET"]
    app.add_routes([web.get("/health", health), web.post("/token", token), web.post("/check", check)])
    return app


if __name__ == "__main__":
    log.start()
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8080"))
    logger.info("auth starts on port %s", port)
    web.run_app(build(), host=host, port=port, print=None, access_log=None, shutdown_timeout=2)
