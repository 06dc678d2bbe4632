"""How a loop begins, or goes on where it stopped."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict, Field

from tasks.fix import branch
from untilgreen.ledger import Ledger, loops
from untilgreen.model.analysis import Fixes
from untilgreen.model.cycle import Loop, Run
from untilgreen.model.fix_verdict import Undone
from untilgreen.settings import Settings
from untilgreen.settings.people import Approve
from untilgreen.suite.focus import settle
from untilgreen.suite.index import expected
from untilgreen.suite.ordering import interpreter
from untilgreen.wiring import STATE, Workshop, narrator, open_history, read_settings


class Request(BaseModel):
    """What a user asks for; the form in the Prefect UI."""

    model_config = ConfigDict(extra="forbid", title="What to run")

    repository: str = Field(
        ".", title="Repository", description="Folder of the git repository that holds untilgreen.yaml, on the worker"
    )
    revision: str = Field("HEAD", title="Begin with", description="Commit, tag or branch; what is committed is tested")
    approve: Literal["policy", "ask", "never"] | None = Field(
        None,
        title="Who approves fixes",
        description="policy: what the review approved; ask: a person; never: nothing is fixed. Empty: approve.mode",
    )
    max_cycles: int | None = Field(
        None, title="Cycles at most", ge=1, le=50, description="From 1 to 50. Empty: as max_cycles in the repository"
    )
    focus: str = Field(
        "",
        title="Only this part",
        description="A path, node id, feature or marker expression. Empty: everything. A part is never green",
    )
    loop: str = Field(
        "",
        title="Name of the loop",
        description="One that exists goes on where it stopped. Empty: made from the time",
    )
    take_over: bool = Field(
        False, title="Take over", description="Turn out another loop that works on the same environment"
    )


def begin(request: Request) -> Run:
    """Find the repository, and the cycle to begin or go on with; changes nothing."""
    root = Path(request.repository).expanduser().resolve()
    history = open_history(root)
    name = request.loop or name_of_run(root / STATE)
    run = Run(loop=name, cycle=1, commit=history.resolve(request.revision), root=str(root), state=str(root / STATE))
    return stopped_at(run, Ledger(Path(run.state), name))


def stopped_at(run: Run, ledger: Ledger) -> Run:
    """Return where a loop stopped: in its last cycle, or behind it when its fixes are committed or taken back."""
    number = max(ledger.cycles(), default=0)
    opening, fixes = ledger.opening(number), ledger.recall(number, Fixes)
    undone = ledger.recall(number, Undone)
    if opening and undone and undone.commit != opening.commit:
        return run.model_copy(update={"cycle": number + 1, "commit": undone.commit})
    if fixes and fixes.applied:
        return run.model_copy(update={"cycle": number + 1, "commit": fixes.commit})
    return run.model_copy(update={"cycle": number, "commit": opening.commit}) if opening else run


def open_ledger(run: Run, request: Request, settings: Settings) -> None:
    """Write a loop's first line, or take back its last one."""
    ledger = Ledger(Path(run.state), run.loop)
    if ledger.begun:
        narrator().say("loop", f"{run.loop} goes on with cycle {run.cycle}")
        ledger.reopen()
        return
    # What is wrong in a file of theirs is said before anything is rolled out, not hours later.
    expected(settings.suite, open_history(Path(run.root)), run.commit)
    interpreter(settings.suite.python, Path(run.root))
    Workshop(run, settings).queues()
    ledger.open(
        Loop(
            id=run.loop,
            started=datetime.now(UTC),
            repository=run.root,
            branch=branch(run),
            settings=settings.model_dump(mode="json"),
            request=request.model_dump(mode="json", exclude={"take_over"}),
        )
    )


def name_of_run(state: Path) -> str:
    """Return a name that sorts by time; a retry of the same flow run finds the one that it had."""
    # Prefect's ids begin with the time: runs of the same minute differ at the end only.
    suffix = f"-{str(flow_run.id or uuid4())[-8:]}"
    had = (ledger.loop_id for ledger in loops(state) if ledger.loop_id.endswith(suffix))
    return next(had, f"{datetime.now(UTC):%Y%m%d-%H%M%S}{suffix}")


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
        changes["suite"] = settle(part, history.files(run.commit), partial(history.read, run.commit))
    return settings.model_copy(update=changes)


def rules_of(run: Run, request: Request) -> Approve:
    """Return who approves fixes: as the loop's first commit says, for no fix may change it."""
    opening = Ledger(Path(run.state), run.loop).opening(1)
    first = run.model_copy(update={"commit": opening.commit}) if opening else run
    return settings_of(first, request).approve
