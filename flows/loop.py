"""The loop: cycles until everything is green or a rule says stop. Approval and fixes lie between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.states import Completed, Failed

from flows.approval import decide
from flows.beginning import Request, begin, open_ledger, rules_of, settings_of
from flows.cycle import run_cycle
from flows.reconcile import succeed
from tasks.fix import apply_approved, undo_regressed
from tasks.notify import errors_told, tell_changes
from tasks.report import report_loop, show_cycle
from untilgreen.environment import Environment, environment_of, tenancy
from untilgreen.errors import EvidenceIncomplete, UntilgreenError
from untilgreen.model.cycle import Run, Stop
from untilgreen.stopping import AFTER_FIXING, BEFORE_FIXING, Ending, ending, standing_of, state_name
from untilgreen.wiring import Workshop, cloud


@flow(name="until-green", validate_parameters=True)
def until_green(request: Request = Request()) -> State[Any]:  # noqa: B008 - Prefect shows the default as the form
    """Go round until everything is proven green, or a rule says stop.

    Returns:
        A state named after the reason, for example Green, Red or NoProgress, or after the error that made it
        impossible to go on, such as EnvironmentTaken; the ledger holds the loop itself.
    """
    try:
        run = begin(request)
        settings = settings_of(run, request)
        place = environment_of(Path(run.state), settings.cloud)
        with tenancy(place, run.loop, take_over=request.take_over, stays=(Pause,)):
            open_ledger(run, request, settings)
            succeed(run.loop)
            with errors_told(run, settings), cloud(Path(run.root), settings) as endpoint:
                end = go_round(run.model_copy(update={"endpoint": endpoint}), request, place)
        return close_loop(run, request, end)
    except UntilgreenError as error:
        return Failed(name=type(error).__name__, message=str(error), data=error)


def go_round(run: Run, request: Request, place: Environment) -> Ending:
    """Do cycles, each on the commit that the last one's fixes made."""
    while True:
        place.renew()
        settings = settings_of(run, request)
        ledger = Workshop(run, settings).ledger
        ledger.open_cycle(run.cycle, run.commit)
        state = run_cycle(run, settings, return_state=True)
        cycle = ledger.read_cycle(run.cycle)
        if cycle is None:  # it raised: nothing can be said of this cycle
            error = state.result(raise_on_failure=False)
            raise error if isinstance(error, Exception) else EvidenceIncomplete
        show_cycle(cycle)
        tell_changes(run, settings)
        undone = undo_regressed(run, settings)
        standing = standing_of(ledger.read(), settings)
        if end := ending(BEFORE_FIXING, standing):
            return end
        if undone.commit != run.commit:  # what is left is tested before anything new is tried on top of it
            run = run.model_copy(update={"cycle": run.cycle + 1, "commit": undone.commit})
            continue
        rules = rules_of(run, request)
        with place.asking(datetime.now(UTC) + timedelta(seconds=rules.timeout_s)):
            outcome = decide(run, settings, rules, cycle)
        fixes = apply_approved(run, settings, outcome.offer, outcome.approval)
        if end := ending(AFTER_FIXING, standing.model_copy(update={"approval": outcome.approval, "fixes": fixes})):
            return end
        run = run.model_copy(update={"cycle": run.cycle + 1, "commit": fixes.commit})


def close_loop(run: Run, request: Request, end: Ending) -> State[Any]:
    """Write the last line and the reports; name the flow run's state after the reason."""
    settings = settings_of(run, request)
    Workshop(run, settings).ledger.close(end.stop, end.reason)
    loop = report_loop(run, settings)
    tell_changes(run, settings)
    make = Completed if end.stop is Stop.GREEN else Failed
    return make(name=state_name(loop), message=end.reason)
