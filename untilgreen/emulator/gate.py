"""What every call passes on its way in and out: injected faults before, the writing of the state behind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping

import grpc

from untilgreen.emulator.fault_source import FaultSource
from untilgreen.emulator.faults import Fault, FaultError, Faults, matches
from untilgreen.emulator.protos import Message
from untilgreen.emulator.rpc import Caller, Method, Refusal, Streaming, Unary
from untilgreen.emulator.state import State

_WORDS = {
    grpc.StatusCode.UNAVAILABLE: "The service is currently unavailable.",
    grpc.StatusCode.RESOURCE_EXHAUSTED: (
        "Quota exceeded for quota metric '{kind} requests' and limit '{kind} requests per minute' of service '{api}'."
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: "Deadline expired before operation could complete.",
    grpc.StatusCode.ABORTED: "The operation was aborted. Please try again.",
    grpc.StatusCode.INTERNAL: "Internal error encountered.",
    grpc.StatusCode.CANCELLED: "The operation was cancelled.",
}
"""Google's own words, as far as there are any for a code alone."""

_READS = ("Get", "List", "Access", "Tail", "Wait", "Test")
_APIS = {
    "run": "run.googleapis.com",
    "logging": "logging.googleapis.com",
    "secretmanager": "secretmanager.googleapis.com",
    "monitoring": "monitoring.googleapis.com",
}


class Gate:
    """Lets calls pass.

    Args:
        source: gives the faults that hold now.
        state: written before a call is answered, so that what was answered is kept.
    """

    def __init__(self, source: FaultSource, state: State) -> None:
        self._source = source
        self._state = state
        self._held = Faults()
        self._chances: list[_Chance] = []
        self._latency = random.Random(0)  # noqa: S311 - makes calls slow, guards nothing

    def guard(self, methods: Mapping[str, Method]) -> dict[str, Method]:
        """Return the methods as callers reach them."""
        return {name: self._guarded(name, method) for name, method in methods.items()}

    def _guarded(self, name: str, method: Method) -> Method:
        answer = self._unary(name, method.answer) if method.answer else None
        stream = self._streaming(name, method.stream) if method.stream else None
        return Method(method.request, answer, stream)

    def _unary(self, name: str, answer: Unary) -> Unary:
        async def guarded(request: Message, caller: Caller) -> Message:
            await self._enter(name)
            lost = self._hit(name, lost=True)
            try:
                response = await answer(request, caller)
            finally:
                self._state.flush()
            if lost:
                raise _refusal(name, lost)
            return response

        return guarded

    def _streaming(self, name: str, stream: Streaming) -> Streaming:
        async def guarded(requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
            await self._enter(name)
            async for response in stream(requests):
                yield response

        return guarded

    async def _enter(self, name: str) -> None:
        """Delay or refuse a call, if it is its turn."""
        faults = self._faults()
        for latency in faults.latency:
            if matches(latency.methods, name):
                await asyncio.sleep(latency.span.draw(self._latency))
        if fault := self._hit(name, lost=False):
            raise _refusal(name, fault)

    def _hit(self, name: str, *, lost: bool) -> Fault | None:
        hits = [chance.fault for chance in self._chances if chance.fault.lost == lost and chance.hits(name)]
        return hits[0] if hits else None

    def _faults(self) -> Faults:
        try:
            faults = self._source.current()
        except FaultError as error:
            raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, f"emulator: {error}") from None
        if faults is not self._held:
            self._held = faults
            self._chances = [
                _Chance(fault, f"{faults.fault_seed} {number}") for number, fault in enumerate(faults.fault)
            ]
            self._latency.seed(faults.fault_seed)
        return faults


class _Chance:
    """Decides for one fault which calls it hits; its own dice keep other methods' calls out of it."""

    def __init__(self, fault: Fault, seed: str) -> None:
        self.fault = fault
        self._dice = random.Random(seed)  # noqa: S311 - decides which calls fail, guards nothing
        self._calls = 0

    def hits(self, name: str) -> bool:
        """Tell whether the next call of a method fails."""
        if not matches(self.fault.methods, name):
            return False
        self._calls += 1
        within = not self.fault.first or self._calls <= self.fault.first
        return within and self._dice.random() < self.fault.rate


def _refusal(name: str, fault: Fault) -> Refusal:
    words = _WORDS.get(fault.code, f"{fault.code.name.replace('_', ' ').capitalize()}.")
    parts = name.replace("/", ".").split(".")
    api = next((_APIS[part] for part in parts if part in _APIS), "run.googleapis.com")
    kind = "Read" if parts[-1].startswith(_READS) else "Write"
    return Refusal(fault.code, words.format(kind=kind, api=api))
