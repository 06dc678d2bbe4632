"""Who listens to which agent."""

from collections import defaultdict
from contextlib import suppress

from wire import safe_dumps


class Topics:
    """One topic for each agent of each user; WebSockets come and go."""

    def __init__(self):
        self._listeners = defaultdict(set)

    def subscribe(self, topic, socket):
        """Let a socket hear of a topic from now on."""
        self._listeners[topic].add(socket)

    def unsubscribe(self, topic, socket):
        """Let it hear no more of it."""
        self._listeners[topic].discard(socket)
        if not self._listeners[topic]:
            del self._listeners[topic]

    async def publish(self, agent):
        """Tell everyone who listens to an agent how it is."""
        event = {"type": "agent_event", "agent": agent.agent, "state": agent.state, "runs": agent.runs}
        for socket in tuple(self._listeners.get((agent.owner, agent.agent), ())):
            with suppress(ConnectionError):  # a listener who has just gone must not disturb the others
                await socket.send_str(safe_dumps(event))
