"""Results go to standard output, everything else to standard error."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import uuid4

import typer


def say(text: str) -> None:
    """Tell a person something that is not the result."""
    typer.echo(text, err=True)


def print_json(document: object) -> None:
    """Print the result for a program."""
    typer.echo(json.dumps(document, indent=1, ensure_ascii=False))


def new_name() -> str:
    """Return a loop's name that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:4]}"
