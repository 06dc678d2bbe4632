"""Waits for Cloud Run's decisions: the server holds the question open, so that its answer is seen at once.

Google's own clients ask again and again at growing pauses, and learn of a failure after 3 s only after up to 12.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from google.api_core import exceptions
from google.longrunning import operations_pb2
from google.protobuf import duration_pb2

SLICE_S = 1.0
"""How long one question is held open. Between two the revision is looked at: it often knows sooner than the service."""

_FIRST_S, _LAST_S, _GROWTH = 0.02, 0.5, 1.4
"""Pauses where a server does not hold questions open, as the API allows it to."""


def decisions(client: Any, operation: Any, limit_s: float) -> Iterator[bool | None]:
    """Yield whether an operation has ended, at once when it does, and now and then before that until time is up.

    None is yielded while nobody can tell: then the resource itself has to.

    Args:
        client: asks; any of Google's clients with `wait_operation`.
        operation: what was begun; None when there is nothing to wait for but the resource itself.
        limit_s: after so many seconds the last answer is given.
    """
    deadline, pause = time.monotonic() + limit_s, _FIRST_S
    while True:
        asked = time.monotonic()
        ended = _ended(client, operation.operation.name) if operation is not None else None
        yield ended
        if ended or time.monotonic() >= deadline:
            return
        time.sleep(max(0.0, pause - (time.monotonic() - asked)))
        pause = min(pause * _GROWTH, _LAST_S)


def _ended(client: Any, name: str) -> bool | None:
    """Ask whether an operation has ended, and let the server hold the question open."""
    request = {"name": name, "timeout": duration_pb2.Duration(seconds=int(SLICE_S))}
    try:
        answer = client.wait_operation(request=request, timeout=SLICE_S + 5)
    except exceptions.MethodNotImplemented:
        return _ended_now(client, name)
    except (exceptions.GoogleAPICallError, exceptions.RetryError):
        return None
    # Google's generated clients hand this one method's answer on as it came.
    return bool((operations_pb2.Operation.FromString(answer) if isinstance(answer, bytes) else answer).done)


def _ended_now(client: Any, name: str) -> bool | None:
    try:
        return bool(client.get_operation(request={"name": name}, timeout=5).done)
    except (exceptions.GoogleAPICallError, exceptions.RetryError):
        return None
