"""The WebSocket: a client shows its token first, then it asks."""

import json
import logging
import os
from datetime import UTC, datetime
from enum import Enum

import tokens
import wire
from aiohttp import WSMsgType, web
from problems import Problem
from upstream import ask_depot

logger = logging.getLogger("ws")


class Phase(Enum):
    GREETING = "greeting"
    TALKING = "talking"
    REFUSED = "refused"


class Talk:
    """One client."""

    def __init__(self, request, socket):
        self.request, self.socket = request, socket
        self.phase, self.caller, self.since = Phase.GREETING, None, datetime.now(UTC)


async def connect(request):
    """Serve one client from its first message to its last."""
    socket = web.WebSocketResponse(max_msg_size=64 * 1024)
    await socket.prepare(request)
    talk = Talk(request, socket)
    try:
        if await greet(talk):
            async for frame in socket:
                await reply(talk, frame)
    except Exception:
        logger.exception("the conversation broke off in phase %s", talk.phase.value)
        await socket.close(code=1011)
    return socket


async def greet(talk):
    """Look at the token in the first message, and say whether the client may stay."""
    try:
        first = message_in(await talk.socket.receive(timeout=10))
        talk.caller = tokens.read(str(first.get("token")), os.environ.get("SIGNING_KEY", ""))
    except Problem as problem:
        talk.phase = Phase.REFUSED
        await talk.socket.send_str(wire.to_json({"type": "refused", "why": problem.reason, "phase": talk.phase}))
        await talk.socket.close(code=4401)
        return False
    talk.phase = Phase.TALKING
    await talk.socket.send_str(wire.to_json({"type": "welcome", "user": talk.caller["sub"], "phase": talk.phase}))
    return True


async def reply(talk, frame):
    """Answer one message."""
    try:
        message = message_in(frame)
        kind = KINDS.get(message.get("type"))
        if kind is None:
            raise Problem(400, "unknown type")
        await talk.socket.send_str(wire.to_json(await kind(talk, message)))
    except Problem as problem:
        await talk.socket.send_str(wire.to_json({"type": "error", "why": problem.reason}))


def message_in(frame):
    try:
        message = json.loads(frame.data) if frame.type is WSMsgType.TEXT else None
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise Problem(400, "a JSON object is needed")
    return message


async def ping(_talk, message):
    return {"type": "pong", "id": message.get("id")}


async def whoami(talk, _message):
    return {"type": "you", "user": talk.caller["sub"], "phase": talk.phase, "since": talk.since}


async def track(talk, message):
    status, parcel = await ask_depot(talk.request, "GET", f"/parcels/{message.get('number')}")
    if status != 200:
        raise Problem(404, "no such parcel")
    return {"type": "parcel", "number": parcel["number"], "state": parcel["state"]}


KINDS = {"ping": ping, "whoami": whoami, "track": track}
