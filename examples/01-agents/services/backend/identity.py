"""What only auth knows: who a caller is as of now. A token may be an hour old."""

import logging

import calls
from agents import AgentState
from callers import OPERATORS, caller_of
from keys import AGENTS, AUTH, SETTINGS
from problems import Problem
from wire import json_answer, safe_dumps

TRACE_HEADERS = ("traceparent", "X-Cloud-Trace-Context")

logger = logging.getLogger("identity")


async def me(request):
    """Tell the caller who they are."""
    caller_of(request)
    return json_answer(await ask_auth(request))


async def permissions(request):
    """Tell the caller what they may do with an agent, theirs or somebody else's."""
    caller = caller_of(request)
    agent = request.app[AGENTS].get(request.query.get("owner", caller.user), request.match_info["name"])
    person = await ask_auth(request)
    may = allowed(person["user"], set(person["roles"]), agent)
    return json_answer({"agent": agent.agent, "owner": agent.owner, "user": person["user"], "may": may})


def allowed(user, roles, agent):
    """Return what somebody with these roles may do with an agent in its present state."""
    may = {"status"} if user == agent.owner or "admin" in roles else set()
    if user == agent.owner and roles & OPERATORS:
        may |= {"stop", "cancel"} if agent.state is AgentState.RUNNING else {"start"}
    return may


async def ask_auth(request):
    """Ask auth who shows this token.

    Raises:
        Problem: auth refuses the token (401), or refuses this service itself (403).
    """
    token = request.headers["Authorization"].removeprefix("Bearer ")
    headers = {name: request.headers[name] for name in TRACE_HEADERS if name in request.headers}
    question = safe_dumps({"token": token}).encode()
    headers |= calls.sign(question, request.app[SETTINGS].service_secret)
    async with request.app[AUTH].post("/check", data=question, headers=headers) as answer:
        body = await answer.json()
    if answer.status == 403:
        logger.error("auth refused this service with 403: %s", body["error"])
        raise Problem(403, "service refused by auth")
    if answer.status != 200:
        raise Problem(401, body["error"])
    return body
