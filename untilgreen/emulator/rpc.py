"""How a method of an API is written here: a coroutine from one message to another, and a refusal when it cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import grpc

from untilgreen.emulator.protos import Message

Row = TypeVar("Row")


class Refusal(Exception):
    """The answer is an error.

    Args:
        code: gRPC's status code.
        message: Google's text for it.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Caller:
    """Who asks. Without credentials everyone is the deployer, who may do all.

    Args:
        member: an IAM member such as `serviceAccount:NAME`, from `x-emulator-principal`; empty means the deployer.
    """

    member: str = ""


Unary = Callable[[Message, Caller], Awaitable[Message]]
Streaming = Callable[[AsyncIterator[Message]], AsyncIterator[Message]]


@dataclass(frozen=True)
class Method:
    """One method of an API: what it takes, and who answers."""

    request: Message
    answer: Unary | None = None
    stream: Streaming | None = None


def invalid(message: str) -> Refusal:
    """Return the refusal of an argument."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> Refusal:
    """Return the refusal of a name that nothing has."""
    return Refusal(grpc.StatusCode.NOT_FOUND, message)


def not_emulated(what: str) -> Refusal:
    """Return the refusal of something that exists in Google Cloud but not here."""
    return Refusal(grpc.StatusCode.UNIMPLEMENTED, f"{what} is not emulated")


def page(rows: Sequence[Row], size: int, token: str, default: int = 100) -> tuple[Sequence[Row], str]:
    """Return one page of rows and the token of the next one, empty at the end.

    Raises:
        Refusal: the token is none of ours.
    """
    if token and not token.isdigit():
        raise invalid("The page_token is invalid.")
    start = int(token or 0)
    end = start + min(size or default, 1000)
    return rows[start:end], str(end) if end < len(rows) else ""
