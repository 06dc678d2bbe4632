"""Agents: who owns them, what they were asked to do, and how they are doing."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from orders import Order
from problems import Problem

NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


class AgentState(Enum):
    """What an agent is doing."""

    RUNNING = "running"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


@dataclass
class Agent:
    """One agent of one user."""

    agent: str
    owner: str
    order: Order
    runs: int = 1
    state: AgentState = AgentState.RUNNING
    reason: str = ""
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def enter(self, state, reason=""):
        """Change the state, and note when and why."""
        self.state, self.reason, self.since = state, reason, datetime.now(UTC)


class Agents:
    """All agents of all users, in memory: a restart forgets them."""

    def __init__(self):
        self._by_owner = {}

    def start(self, owner, name, order):
        """Start a new agent, or one that has ended, once more."""
        if not NAME.fullmatch(name):
            raise Problem(400, "bad agent name", agent=name, expected="a letter, then letters, digits or dashes")
        mine = self._by_owner.setdefault(owner, {})
        before = mine.get(name)
        if before and before.state is AgentState.RUNNING:
            raise Problem(409, "already running", agent=name, state=before.state)
        mine[name] = Agent(name, owner, order, runs=before.runs + 1 if before else 1)
        return mine[name]

    def end(self, owner, name, state, reason):
        """Stop or cancel a running agent."""
        agent = self.get(owner, name)
        if agent.state is not AgentState.RUNNING:
            raise Problem(409, "not running", agent=name, state=agent.state)
        agent.enter(state, reason)
        return agent

    def get(self, owner, name):
        """Return an agent."""
        agent = self._by_owner.get(owner, {}).get(name)
        if agent is None:
            raise Problem(404, "unknown agent", agent=name)
        return agent

    def of(self, owner):
        """Return the agents of a user, by name."""
        return [agent for _, agent in sorted(self._by_owner.get(owner, {}).items())]
