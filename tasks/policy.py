"""How Prefect treats a step that fails: transient faults are tried again with backoff, permanent ones are not."""

from __future__ import annotations

from typing import Any, TypedDict

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun

from untilgreen.errors import CloudUnavailable


def is_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Tell whether another try may help: only when the cloud did not answer."""
    return isinstance(state.result(raise_on_failure=False), CloudUnavailable)


class Policy(TypedDict):
    """What `@task` takes."""

    retries: int
    retry_delay_seconds: list[float]
    retry_jitter_factor: float
    retry_condition_fn: Any
    timeout_seconds: float


def policy(timeout_s: float, retries: int = 2) -> Policy:
    """Return a step's policy.

    Args:
        timeout_s: longest a step may take before Prefect ends it.
        retries: further tries after a transient fault.
    """
    return Policy(
        retries=retries,
        retry_delay_seconds=[2.0, 10.0][:retries],
        retry_jitter_factor=0.5,
        retry_condition_fn=is_transient,
        timeout_seconds=timeout_s,
    )
