"""Notices: sent between the steps, by the flow itself, and remembered in the ledger before anything else happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.runtime import flow_run
from prefect.utilities.urls import url_for

from untilgreen.approval.request import ApprovalRequest
from untilgreen.errors import EnvironmentTaken, UntilgreenError
from untilgreen.ledger import last_told
from untilgreen.model.cycle import Run
from untilgreen.notices import asks, standing, tell
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, narrator


def tell_changes(
    run: Run, settings: Settings, request: ApprovalRequest | None = None, trouble: UntilgreenError | None = None
) -> None:
    """Send what is news about a loop, if somebody wants to know.

    Args:
        run: which loop.
        settings: of its newest commit.
        request: what a person is asked at this moment.
        trouble: why the loop cannot go on.
    """
    if not settings.notify.urls:
        return
    shop = Workshop(run, settings)
    scope = "/".join(part for part in (settings.cloud.project, settings.cloud.region, settings.suite.focus) if part)
    loop = shop.ledger.read()
    now = standing(loop, request, scope)
    if trouble:
        now = now.model_copy(update={"stop": type(trouble).__name__})
    reason = asks(request) if request else str(trouble or loop.reason)
    told = tell(
        last_told(Path(run.state), run.loop, scope),
        now,
        shop.courier,
        lambda text: narrator().say("notify", text),
        reason=reason,
        link=url_for("flow-run", obj_id=str(flow_run.id)) or "",
    )
    shop.ledger.keep_told(told)


@contextmanager
def errors_told(run: Run, settings: Settings) -> Iterator[None]:
    """Tell when a loop that had begun cannot go on."""
    try:
        yield
    except EnvironmentTaken:  # another loop works there, and tells what becomes of it
        raise
    except UntilgreenError as error:
        tell_changes(run, settings, trouble=error)
        raise
