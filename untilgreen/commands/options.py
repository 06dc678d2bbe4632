"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Repo = Annotated[Path, typer.Option("--repo", help="The git repository that holds untilgreen.yaml.")]
Revision = Annotated[str, typer.Option("--revision", help="Commit, tag or branch to begin with.")]
LoopName = Annotated[str, typer.Argument(help="A loop's name; the newest when left out.")]
Focus = Annotated[
    str,
    typer.Option(
        "--focus",
        metavar="PART",
        help="Only a part: a path, node id, feature of the settings, or marker expression. Never green.",
    ),
]
TakeOver = Annotated[bool, typer.Option("--take-over", help="Turn out another loop that works on this environment.")]
