"""The WebSocket: a client shows its token in the first message, then asks and listens."""

import json
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from aiohttp import WSMsgType, web
from callers import Caller, caller_with
from keys import AGENTS, SETTINGS, TOPICS
from problems import Problem
from wire import safe_dumps

LONGEST_MESSAGE = 64 * 1024
PATIENCE_S = 10
REFUSED = 4401

logger = logging.getLogger("ws")


class WebSocketState(Enum):
    """How far a conversation has come."""

    CONNECTING = "connecting"
    AUTHENTICATED = "authenticated"
    REJECTED = "rejected"


@dataclass
class Conversation:
    """One client at the other end of one socket."""

    app: web.Application
    socket: web.WebSocketResponse
    state: WebSocketState = WebSocketState.CONNECTING
    caller: Caller | None = None
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    topics: set[str] = field(default_factory=set)


async def connect(request):
    """Serve one WebSocket from its first message to its last."""
    socket = web.WebSocketResponse(max_msg_size=LONGEST_MESSAGE)
    await socket.prepare(request)
    talk = Conversation(request.app, socket)
    try:
        if await authenticate(talk):
            await converse(talk)
    except ConnectionError:
        logger.info("The client went away")
    except Exception:
        logger.exception("The conversation broke off")
        await socket.close(code=1011)
    finally:
        for agent in talk.topics:
            request.app[TOPICS].unsubscribe((talk.caller.user, agent), socket)
    return socket


async def authenticate(talk):
    """Read the token in the first message, answer it, and tell whether the client may go on."""
    try:
        talk.caller = caller_with(await first_token(talk.socket), talk.app[SETTINGS].jwt_key)
    except Problem as problem:
        talk.state = WebSocketState.REJECTED
        await talk.socket.send_str(safe_dumps({"type": "auth_error", "reason": problem.error, "state": talk.state}))
        await talk.socket.close(code=REFUSED)
        return False
    talk.state = WebSocketState.AUTHENTICATED
    await talk.socket.send_str(safe_dumps({"type": "auth_ok", "user": talk.caller.user, "state": talk.state}))
    return True


async def first_token(socket):
    """Return the token in the first message."""
    try:
        message = message_in(await socket.receive(timeout=PATIENCE_S))
    except TimeoutError:
        raise Problem(401, "no message came") from None
    if message.get("type") != "auth":
        raise Problem(401, "the first message must be of type auth")
    return message.get("token")


async def converse(talk):
    """Answer every message until the client goes."""
    async for frame in talk.socket:
        try:
            message = message_in(frame)
            await KINDS.get(str(message.get("type")), unknown)(talk, message)
        except Problem as problem:
            code = problem.error.replace(" ", "_")
            await talk.socket.send_str(safe_dumps({"type": "error", "code": code, **problem.details}))


def message_in(frame):
    """Return the JSON object in a text frame."""
    try:
        message = json.loads(frame.data) if frame.type is WSMsgType.TEXT else None
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise Problem(400, "bad message", expected="a JSON object as text")
    return message


async def ping(talk, message):
    await talk.socket.send_str(safe_dumps({"type": "pong", "id": message.get("id")}))


async def echo(talk, message):
    await talk.socket.send_str(safe_dumps({"type": "echo", "payload": message.get("payload")}))


async def whoami(talk, _message):
    person = {"user": talk.caller.user, "roles": talk.caller.roles, "state": talk.state, "since": talk.since}
    await talk.socket.send_str(safe_dumps({"type": "whoami", **person, "topics": talk.topics}))


async def agent_status(talk, message):
    agent = talk.app[AGENTS].get(talk.caller.user, agent_in(message))
    await talk.socket.send_str(safe_dumps({"type": "agent_status", "status": agent}))


async def subscribe(talk, message):
    agent = agent_in(message)
    talk.topics.add(agent)
    talk.app[TOPICS].subscribe((talk.caller.user, agent), talk.socket)
    await talk.socket.send_str(safe_dumps({"type": "subscribed", "agent": agent, "topics": talk.topics}))


async def unsubscribe(talk, message):
    agent = agent_in(message)
    if agent not in talk.topics:
        raise Problem(409, "not subscribed", agent=agent)
    talk.topics.remove(agent)
    talk.app[TOPICS].unsubscribe((talk.caller.user, agent), talk.socket)
    await talk.socket.send_str(safe_dumps({"type": "unsubscribed", "agent": agent, "topics": talk.topics}))


async def unknown(talk, message):
    answer = {"type": "error", "code": "unknown_kind", "kind": message.get("type"), "known": set(KINDS)}
    await talk.socket.send_str(safe_dumps(answer))


def agent_in(message):
    """Return the agent that a message is about."""
    agent = message.get("agent")
    if not isinstance(agent, str) or not agent:
        raise Problem(400, "bad message", expected="agent: the name of an agent")
    return agent


KINDS = {
    "ping": ping,
    "echo": echo,
    "whoami": whoami,
    "agent_status": agent_status,
    "subscribe": subscribe,
    "unsubscribe": unsubscribe,
}
