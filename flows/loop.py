"""The loop: cycles until everything is green or a rule says stop. Approval and fixes lie between them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import BaseModel, ConfigDict, Field

from flows.approval import ask
from flows.cycle import run_cycle
from tasks.fix import POLICY, apply_approved, branch, offer_fixes, undo_regressed
from tasks.report import report_loop
from untilgreen.errors import EvidenceIncomplete
from untilgreen.model.analysis import Approval, Decision, Offer
from untilgreen.model.cycle import Loop, Run, Stop
from untilgreen.settings import Settings
from untilgreen.stopping import AFTER_FIXING, BEFORE_FIXING, Ending, Standing, ending
from untilgreen.suite.focus import settle
from untilgreen.suite.index import expected
from untilgreen.wiring import STATE, Workshop, asker, cloud, open_history, read_settings


class Request(BaseModel):
    """What a user asks for; the form in the Prefect UI."""

    model_config = ConfigDict(extra="forbid")

    repository: str = Field(".", description="Path of the git repository that holds untilgreen.yaml")
    revision: str = Field("HEAD", description="Commit, tag or branch to begin with")
    approve: Literal["policy", "ask", "never"] | None = Field(None, description="Instead of the repository's setting")
    max_cycles: int | None = Field(None, ge=1, le=50, description="Instead of the repository's setting")
    focus: str = Field("", description="Run only a part: a path, node id, feature or marker expression. Never green")
    loop: str = Field("", description="Name of the loop; made from the time when empty")


@flow(name="until-green", validate_parameters=True)
def until_green(request: Request = Request()) -> State[Any]:  # noqa: B008 - Prefect shows the default as the form
    """Go round until everything is proven green, or a rule says stop.

    Returns:
        A state named after the reason, for example Green or NoFix; the ledger holds the loop itself.
    """
    run = open_loop(request)
    with cloud(Path(run.root), settings_of(run, request)) as endpoint:
        run = run.model_copy(update={"endpoint": endpoint})
        end = go_round(run, request)
    return close_loop(run, request, end)


def go_round(run: Run, request: Request) -> Ending:
    """Do cycles, each on the commit that the last one's fixes made."""
    while True:
        settings = settings_of(run, request)
        ledger = Workshop(run, settings).ledger
        ledger.open_cycle(run.cycle, run.commit)
        state = run_cycle(run, settings, return_state=True)
        cycle = ledger.read_cycle(run.cycle)
        if cycle is None:  # it raised: nothing can be said of this cycle
            error = state.result(raise_on_failure=False)
            raise error if isinstance(error, Exception) else EvidenceIncomplete
        undone = undo_regressed(run, settings)
        standing = Standing(cycle=cycle, max_cycles=settings.max_cycles)
        if end := ending(BEFORE_FIXING, standing):
            return end
        if undone.commit != run.commit:  # what is left is tested before anything new is tried on top of it
            run = run.model_copy(update={"cycle": run.cycle + 1, "commit": undone.commit})
            continue
        offered = offer_fixes(run, settings, cycle)
        approval = decide(run, settings, offered)
        fixes = apply_approved(run, settings, offered, approval)
        if end := ending(AFTER_FIXING, standing.model_copy(update={"approval": approval, "fixes": fixes})):
            return end
        run = run.model_copy(update={"cycle": run.cycle + 1, "commit": fixes.commit})


def open_loop(request: Request) -> Run:
    """Find the repository and begin a ledger."""
    root = Path(request.repository).expanduser().resolve()
    history = open_history(root)
    begun = datetime.now(UTC)
    name = request.loop or f"{begun:%Y%m%d-%H%M%S}-{uuid4().hex[:4]}"
    run = Run(loop=name, cycle=1, commit=history.resolve(request.revision), root=str(root), state=str(root / STATE))
    settings = settings_of(run, request)
    expected(settings.suite, history, run.commit)  # a list that is not there is said before anything is deployed
    Workshop(run, settings).ledger.open(
        Loop(
            id=name,
            started=begun,
            repository=str(root),
            branch=branch(run),
            settings=settings.model_dump(mode="json"),
        )
    )
    return run


def settings_of(run: Run, request: Request) -> Settings:
    """Read the settings of the commit under test, with what the request overrides."""
    history = open_history(Path(run.root))
    settings = read_settings(history, run.commit)
    changes: dict[str, Any] = {}
    if request.max_cycles:
        changes["max_cycles"] = request.max_cycles
    if request.approve:
        changes["approve"] = settings.approve.model_copy(update={"mode": request.approve})
    if wanted := request.focus or settings.suite.focus:
        part = settings.suite.model_copy(update={"focus": wanted})
        changes["suite"] = settle(part, history.files(run.commit))
    return settings.model_copy(update=changes)


def decide(run: Run, settings: Settings, offered: Offer) -> Approval | None:
    """Let the policy or a human decide; None when there is nothing to decide, or nobody answered in time."""
    match settings.approve.mode:
        case "policy" if offered.fixes:
            return Approval(decision=Decision.APPROVED, approver=POLICY, reason="the review approved them")
        case "never" if offered.fixes:
            return Approval(decision=Decision.REJECTED, approver="settings", reason="approve.mode is never")
        case "ask" if offered.fixes or offered.undecided:
            attended = asker()
            description = offered.describe()
            return attended(description) if attended else ask(run.cycle, description, settings.approve.timeout_s)
    return None


def close_loop(run: Run, request: Request, end: Ending) -> State[Any]:
    """Write the last line and the reports; name the flow run's state after the reason."""
    settings = settings_of(run, request)
    Workshop(run, settings).ledger.close(end.stop, end.reason)
    report_loop(run, settings)
    name = end.stop.replace("_", " ").title().replace(" ", "")
    make = Completed if end.stop is Stop.GREEN else Failed
    return make(name=name, message=end.reason)
