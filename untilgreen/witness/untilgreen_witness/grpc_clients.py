"""gRPC: blocking and asyncio channels. Its sockets are not Python's; the kernel knows them all the same."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from .exchanges import credentials_in, open_exchange, place, trace_headers
from .sight import harmless, patch_now

HTTP = {
    "OK": 200,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}
"""How google/rpc/code.proto translates a code."""
OWN = frozenset({"CANCELLED", "DEADLINE_EXCEEDED", "UNAVAILABLE"})
"""Codes that the client gives itself when nobody answers."""
TARGETS: dict[int, str] = {}
"""Channel -> the target that it was opened for."""
BLOCKING = (
    ("_UnaryUnaryMultiCallable", ("__call__", "with_call", "future")),
    ("_StreamUnaryMultiCallable", ("__call__", "with_call", "future")),
    ("_UnaryStreamMultiCallable", ("__call__",)),
    ("_SingleThreadedUnaryStreamMultiCallable", ("__call__",)),
    ("_StreamStreamMultiCallable", ("__call__",)),
)
ASYNCIO = ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream")


def patch_grpc(module: Any) -> None:
    """Cover blocking channels."""
    patch_now(module.Channel, "__init__", remembered)
    for owner, methods in BLOCKING:
        for method in methods:
            patch_now(getattr(module, owner, None), method, called)


def patch_grpc_aio(module: Any) -> None:
    """Cover asyncio channels."""
    patch_now(module.Channel, "__init__", remembered)
    for kind in ASYNCIO:
        patch_now(getattr(module, f"{kind}MultiCallable", None), "__call__", called)


def remembered(call: Any) -> Any:
    """Return a patch that notes where a channel goes: its core does not tell."""

    @functools.wraps(call)
    def opened(self: Any, target: Any, *args: Any, **kwargs: Any) -> None:
        call(self, target, *args, **kwargs)
        TARGETS[id(self._channel)] = target.decode() if isinstance(target, bytes) else str(target)

    return opened


def called(call: Any) -> Any:
    """Return a patch for a method that starts a call; all of them take the same arguments."""

    def started(self: Any, request: Any = None, *args: Any, **kwargs: Any) -> Any:
        begun = begin(self, args, kwargs)
        exchange, args, kwargs = begun or (None, args, kwargs)
        try:
            answer = call(self, request, *args, **kwargs)
        except Exception as error:
            ended(exchange, error)
            raise
        follow(exchange, answer)
        return answer

    return started


@harmless
def begin(method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Send the trace with a call and begin to record; metadata comes second after the time-out, or by name."""
    where = host_of(TARGETS.get(id(method._channel), ""))  # noqa: SLF001 - what a call goes through
    given = kwargs.get("metadata") if len(args) < 2 else args[1]  # noqa: PLR2004 - timeout, metadata
    metadata = tuple(given or ())
    ours = trace_headers(where, [name for name, _ in metadata])
    sent = (*metadata, *((name.lower(), value) for name, value in ours.items()))
    if len(args) < 2:  # noqa: PLR2004 - as above
        kwargs = {**kwargs, "metadata": sent}
    else:
        args = (args[0], sent, *args[2:])
    path = method._method  # noqa: SLF001 - its name
    return open_exchange("grpc", "POST", where, path, credentials_in(metadata)), args, kwargs


def host_of(target: str) -> str:
    """Return host:port of a target such as `dns:///api.example:443`."""
    host, _, port = target.rpartition("/")[2].removeprefix("ipv4:").removeprefix("dns:").rpartition(":")
    return place(host, int(port)) if port.isdigit() and host else place(port or host, None, "https")


@harmless
def follow(exchange: Any, answer: Any) -> None:
    """Note how a call ends: at once when it blocked, later when it is a stream, a future or a coroutine."""
    if exchange is None:
        return
    call = answer[1] if isinstance(answer, tuple) and len(answer) == 2 else answer  # noqa: PLR2004 - of `with_call`
    later = getattr(call, "add_done_callback", None) or getattr(call, "add_callback", None)
    if call is not answer or later is None:
        exchange.status = HTTP["OK"]
        exchange.end()
        return
    exchange.late_status = lambda: status_of(call) if call.done() else None
    if later(lambda *_: ended(exchange, call)) is False:
        ended(exchange, call)


@harmless
def ended(exchange: Any, call: Any) -> None:
    """Note a call's end."""
    if exchange is not None:
        exchange.status = status_of(call)
        exchange.end()


@harmless
def status_of(call: Any) -> int | None:
    """Return the HTTP status that a code stands for; None when nobody answered."""
    name = getattr(ask(call, "code"), "name", "")
    answered = name not in OWN or ask(call, "trailing_metadata") or ask(call, "initial_metadata")
    return HTTP.get(name) if answered else None


def ask(call: Any, name: str) -> Any:
    """Return what a call that has ended knows; asyncio's calls answer by coroutines that then need not wait."""
    value = getattr(call, name)() if hasattr(call, name) else None
    if not inspect.iscoroutine(value):
        return value
    try:
        value.send(None)
    except StopIteration as end:
        return end.value
    value.close()
    return None
