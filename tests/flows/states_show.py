"""Ends a loop for each reason, as the loop does, and says how the server names the runs; a test provides the server.

python -m tests.flows.states_show FOLDER
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
from prefect import flow
from prefect.client.schemas.objects import State

from flows.beginning import Request
from flows.loop import close_loop, until_green
from tests.acceptance.shop_project import FILES, commit
from untilgreen.ledger import Ledger
from untilgreen.model.cycle import Color, Loop, Run, Stop, Verdict
from untilgreen.stopping import Ending

ENDS = [
    *((stop, Color.RED) for stop in Stop if stop not in (Stop.GREEN, Stop.INTERRUPTED, Stop.ERROR)),
    (Stop.GREEN, Color.GREEN),
    (Stop.MAX_CYCLES, Color.UNPROVEN),
    (Stop.NO_FIX, Color.BROKEN),
]


def shop(root: Path) -> None:
    """Commit a project."""
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    commit(root, "begin")


@flow(name="ends")
def ends(root: str, stop: Stop, color: Color) -> State[None]:
    """End a loop whose only cycle had this color."""
    run = Run(loop=f"{stop}-{color}", cycle=1, commit="HEAD", root=root, state=str(Path(root) / ".untilgreen"))
    ledger = Ledger(Path(run.state), run.loop)
    ledger.open(Loop(id=run.loop, started=datetime.now(UTC), repository=root))
    ledger.open_cycle(1, run.commit)
    ledger.once(1, "verdict", (), lambda: Verdict(color=color, lines=()))
    return close_loop(run, Request(repository=root), Ending(stop=stop, reason=f"because of {stop}"))


def seen(state: State[None]) -> list[str]:
    """Return type, name and message of a run's state, as the server has them."""
    api, run = os.environ["PREFECT_API_URL"], state.state_details.flow_run_id
    known = httpx.get(f"{api}/flow_runs/{run}", timeout=30).json()["state"]
    return [known["type"], known["name"], known["message"]]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    shop(folder)
    found = {f"{s} {c}": seen(ends(str(folder), s, c, return_state=True)) for s, c in ENDS}
    found["wrong revision"] = seen(until_green(Request(repository=str(folder), revision="nope"), return_state=True))
    print(json.dumps(found))  # noqa: T201 - the test reads it
