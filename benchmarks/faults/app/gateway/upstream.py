"""How this service asks others."""

import asyncio
import logging
import os

import log
from aiohttp import ClientError, ClientSession, ClientTimeout, web
from problems import Problem

SESSION = web.AppKey("session", ClientSession)
PATIENCE_S = 1.0
TRIES = 2

logger = logging.getLogger("upstream")


async def connections(app):
    async with ClientSession() as app[SESSION]:
        yield


def session(request):
    return request.app[SESSION]


async def ask_accounts(request, method, path, *, headers=None, body=None):
    """Ask accounts, and ask again when it does not answer: who signs in should not notice a restart."""
    for number in range(1, TRIES + 1):
        try:
            return await _call(request, "ACCOUNTS_URL", method, path, headers, body, PATIENCE_S)
        except (TimeoutError, ClientError) as error:
            logger.error("accounts: try %s of %s: %s %s", number, TRIES, type(error).__name__, error)
        except Unavailable as error:
            logger.error("accounts: try %s of %s: %s", number, TRIES, error)
        await asyncio.sleep(0.01)
    raise Problem(504, "accounts does not answer")


async def ask_depot(request, method, path, *, query=None, body=None):
    """Ask the depot; what it answers is the client's business."""
    try:
        return await _call(request, "DEPOT_URL", method, path, None, body, 15, query)
    except Unavailable as error:
        raise Problem(503, "the depot is not available") from error


class Unavailable(Exception):
    """It answered that it cannot answer."""


async def _call(request, where, method, path, headers, body, patience_s, query=None):
    headers = {**(headers or {}), "traceparent": log.traceparent.get()}
    patience = ClientTimeout(total=patience_s)
    async with session(request).request(
        method, os.environ[where] + path, headers=headers, json=body, params=query, timeout=patience
    ) as answer:
        if answer.status >= 500:
            raise Unavailable(f"{where} answered {answer.status}")
        return answer.status, await answer.json(content_type=None)
