"""Long-running operations: `google.longrunning.Operations`."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress

import grpc
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2

from untilgreen.emulator.conditions import Failure
from untilgreen.emulator.protos import Message
from untilgreen.emulator.rpc import Caller, Method, Refusal, page
from untilgreen.emulator.state import State

SERVICE = "/google.longrunning.Operations/"
_KEPT = 1_000
_LONGEST_WAIT_S = 300


class Operations:
    """Keeps operations, the newest thousand.

    Args:
        state: where they outlive the emulator.
    """

    def __init__(self, state: State) -> None:
        self._kept = state.shelf("operation")
        self._operations: dict[str, Message] = {
            name: operations_pb2.Operation.FromString(data) for name, data in self._kept.read()
        }
        self._ends = {name: asyncio.Event() for name in self._operations}
        for name, operation in self._operations.items():
            if operation.done:
                self._ends[name].set()

    def methods(self) -> dict[str, Method]:
        """Return the methods by name."""
        return {
            SERVICE + "GetOperation": Method(operations_pb2.GetOperationRequest, self.get),
            SERVICE + "WaitOperation": Method(operations_pb2.WaitOperationRequest, self.wait),
            SERVICE + "ListOperations": Method(operations_pb2.ListOperationsRequest, self.list),
            SERVICE + "DeleteOperation": Method(operations_pb2.DeleteOperationRequest, self.delete),
        }

    def begin(self, parent: str, subject: Message) -> Message:
        """Return a new operation on a resource below a parent such as `projects/P/locations/L`."""
        operation = operations_pb2.Operation(name=f"{parent}/operations/{uuid.uuid4()}")
        operation.metadata.Pack(subject)
        self._operations[operation.name] = operation
        self._ends[operation.name] = asyncio.Event()
        self._kept.put(operation.name, operation.SerializeToString)
        while len(self._operations) > _KEPT:
            self._forget(next(iter(self._operations)))
        return operation

    def finish(self, operation: Message, subject: Message, failure: Failure | None = None) -> None:
        """End an operation with the resource as it is now, or with a failure."""
        operation.metadata.Pack(subject)
        if failure:
            operation.error.code, operation.error.message = failure.code, failure.message
        else:
            operation.response.Pack(subject)
        operation.done = True
        if operation.name in self._ends:
            self._kept.put(operation.name, operation.SerializeToString)
            self._ends[operation.name].set()

    def unfinished(self) -> list[Message]:
        """Return the operations that an emulator before this one has not ended, oldest first."""
        return [operation for operation in self._operations.values() if not operation.done]

    async def get(self, request: Message, _: Caller) -> Message:
        """Return an operation."""
        return self._find(request.name)

    async def wait(self, request: Message, _: Caller) -> Message:
        """Return an operation when it has ended, or when the time is over."""
        self._find(request.name)
        limit = request.timeout.ToNanoseconds() / 1e9 or _LONGEST_WAIT_S
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ends[request.name].wait(), min(limit, _LONGEST_WAIT_S))
        return self._find(request.name)

    async def list(self, request: Message, _: Caller) -> Message:
        """Return the operations below a parent."""
        found = [o for name, o in self._operations.items() if name.startswith(f"{request.name}/")]
        rows, token = page(found, request.page_size, request.page_token)
        return operations_pb2.ListOperationsResponse(operations=rows, next_page_token=token)

    async def delete(self, request: Message, _: Caller) -> Message:
        """Forget an operation; what it does goes on."""
        self._find(request.name)
        self._forget(request.name)
        return empty_pb2.Empty()

    def _find(self, name: str) -> Message:
        if name not in self._operations:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Operation '{name}' was not found.")
        return self._operations[name]

    def _forget(self, name: str) -> None:
        del self._operations[name]
        self._kept.drop(name)
        self._ends.pop(name).set()
