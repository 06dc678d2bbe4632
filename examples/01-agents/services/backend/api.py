"""The HTTP side of agents."""

from agents import AgentState
from callers import caller_of
from keys import AGENTS, TOPICS
from orders import read_order, read_reason
from problems import Problem, json_object
from wire import json_answer


async def health(_request):
    """Tell that the service is there."""
    return json_answer({"status": "ok", "service": "backend"})


async def start(request):
    """Start an agent of the caller."""
    caller = caller_of(request)
    caller.must_operate()
    order = read_order(await json_object(request))
    agent = request.app[AGENTS].start(caller.user, request.match_info["name"], order)
    await request.app[TOPICS].publish(agent)
    return json_answer(agent)


async def stop(request):
    """Let an agent of the caller come to its end in order."""
    return await _end(request, AgentState.STOPPED, needs_reason=False)


async def cancel(request):
    """Break an agent of the caller off; somebody will want to know why."""
    return await _end(request, AgentState.CANCELLED, needs_reason=True)


async def status(request):
    """Tell how an agent is."""
    return json_answer(request.app[AGENTS].get(_owner_in(request), request.match_info["name"]))


async def agents(request):
    """List agents, of one state if the caller wants."""
    owner = _owner_in(request)
    wanted = request.query.get("state", "")
    states = {state.value for state in AgentState}
    if wanted and wanted not in states:
        raise Problem(400, "unknown state", state=wanted, known=states)
    found = [agent for agent in request.app[AGENTS].of(owner) if wanted in ("", agent.state.value)]
    return json_answer({"owner": owner, "agents": found})


async def _end(request, state, *, needs_reason):
    caller = caller_of(request)
    caller.must_operate()
    reason = read_reason(await json_object(request), needed=needs_reason)
    agent = request.app[AGENTS].end(caller.user, request.match_info["name"], state, reason)
    await request.app[TOPICS].publish(agent)
    return json_answer(agent)


def _owner_in(request):
    """Return whose agents the caller wants to see: their own, if they do not say."""
    caller = caller_of(request)
    owner = request.query.get("owner", caller.user)
    caller.must_see(owner)
    return owner
