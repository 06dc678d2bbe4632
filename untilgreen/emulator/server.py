"""The gRPC server: knows which method is answered by whom, and says by name what is not emulated."""

from __future__ import annotations

import sys
import traceback
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from grpc import aio

from untilgreen.emulator.port_book import is_free
from untilgreen.emulator.protos import Message
from untilgreen.emulator.rpc import Caller, Method, Refusal, Streaming, Unary, not_emulated

PRINCIPAL = "x-emulator-principal"
_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.so_reuseport", 0),
)


@dataclass(frozen=True)
class Ports:
    """Where to listen; 0 for any free one."""

    plain: int
    tls: int


class PortTaken(OSError):
    """Someone else listens there."""


class Dispatch(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc publishes no types
    """Finds who answers a method.

    Args:
        methods: by full name, such as `/google.cloud.run.v2.Services/GetService`.
    """

    def __init__(self, methods: Mapping[str, Method]) -> None:
        self._methods = methods

    def service(self, handler_call_details: Any) -> Any:
        """Return the handler of a call."""
        name = handler_call_details.method
        method = self._methods.get(name)
        if method and method.answer:
            return grpc.unary_unary_rpc_method_handler(_unary(method.answer), method.request.FromString, _bytes)
        if method and method.stream:
            return grpc.stream_stream_rpc_method_handler(_streaming(method.stream), method.request.FromString, _bytes)
        # On the wire every call is a stream of messages, so one refusal suits all kinds of methods.
        return grpc.stream_stream_rpc_method_handler(_streaming(_unknown(name)))


async def listen(
    methods: Mapping[str, Method], host: str, ports: Ports, pair: tuple[bytes, bytes]
) -> tuple[aio.Server, Ports]:
    """Start to answer, and return the server and its ports.

    Args:
        methods: by full name.
        host: address to listen at.
        ports: which ones are wanted.
        pair: key and certificate for TLS, as PEM.

    Raises:
        PortTaken: someone else listens at one of the ports.
    """
    for port in (ports.plain, ports.tls):
        if port and not is_free(port):  # gRPC itself would tell it in three lines of its own
            raise PortTaken(f"{host}:{port}")
    server = aio.server(options=_OPTIONS)
    server.add_generic_rpc_handlers((Dispatch(methods),))
    plain = server.add_insecure_port(f"{host}:{ports.plain}")
    tls = server.add_secure_port(f"{host}:{ports.tls}", grpc.ssl_server_credentials([pair]))
    await server.start()
    return server, Ports(plain, tls)


def _bytes(message: Message) -> bytes:
    return bytes(message.SerializeToString())


def _unary(answer: Unary) -> Any:
    async def handle(request: Message, context: Any) -> Message:
        try:
            return await answer(request, _caller(context))
        except Refusal as refusal:
            await context.abort(refusal.code, refusal.message)
        except Exception as error:  # noqa: BLE001 - a fault of the emulator has to reach the caller as one
            await _abort_broken(context, error)

    return handle


def _streaming(stream: Streaming) -> Any:
    async def handle(requests: AsyncIterator[Message], context: Any) -> AsyncIterator[Message]:
        try:
            async for response in stream(requests):
                yield response
        except Refusal as refusal:
            await context.abort(refusal.code, refusal.message)

    return handle


async def _abort_broken(context: Any, error: Exception) -> None:
    """A fault of the emulator itself: say so, and leave the details in its own log."""
    if isinstance(error, aio.AbortError):
        raise error
    sys.stderr.write("".join(traceback.format_exception(error)))
    await context.abort(grpc.StatusCode.INTERNAL, f"The emulator broke: {type(error).__name__}")


def _caller(context: Any) -> Caller:
    return Caller(next((value for key, value in context.invocation_metadata() or () if key == PRINCIPAL), ""))


def _unknown(name: str) -> Streaming:
    async def refuse(_: AsyncIterator[Message]) -> AsyncIterator[Message]:
        raise not_emulated(name)
        yield  # makes it a stream

    return refuse
