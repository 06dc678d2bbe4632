"""Commands about the cloud alone."""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from untilgreen.commands.options import Json, Repo, Revision
from untilgreen.commands.output import new_name, print_json

if TYPE_CHECKING:
    from untilgreen.adapters.local_cloud import LocalCloud
    from untilgreen.rollout import Delivery


def deploy(
    repo: Repo = Path(),
    revision: Revision = "HEAD",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Deploy a commit and wait until it is healthy, without tests.

    An emulator that was started for this ends with it; name a running one in cloud.endpoint to keep the services.
    Exit code 3: something does not serve, is not healthy, or would be refused.
    """
    if dry_run:
        _rehearse(repo.resolve(), revision, as_json=as_json)
    else:
        _deliver(repo.resolve(), revision, as_json=as_json)


def _rehearse(repo: Path, revision: str, *, as_json: bool) -> None:
    from untilgreen.adapters.console import ConsoleNarrator  # noqa: PLC0415 - keeps --help fast
    from untilgreen.deploy.show import render_plan  # noqa: PLC0415 - keeps --help fast
    from untilgreen.rollout import rehearse  # noqa: PLC0415 - keeps --help fast

    with ConsoleNarrator(sys.stderr) as narrator:
        plan = rehearse(repo, revision, new_name(), narrator)
    if as_json:
        print_json(plan.model_dump(mode="json"))
    else:
        typer.echo(render_plan(plan))
    raise SystemExit(3 if plan.refusals else 0)


def _deliver(repo: Path, revision: str, *, as_json: bool) -> None:
    from untilgreen.adapters.console import ConsoleNarrator  # noqa: PLC0415 - keeps --help fast
    from untilgreen.rollout import deliver  # noqa: PLC0415 - keeps --help fast

    with ConsoleNarrator(sys.stderr) as narrator:
        delivery = deliver(repo, revision, new_name(), narrator)
    if as_json:
        print_json(delivery.model_dump(mode="json"))
    else:
        typer.echo("\n".join(_lines(delivery)))
    raise SystemExit(delivery.exit_code)


def _lines(delivery: Delivery) -> Iterator[str]:
    for served in delivery.rollout.services:
        yield f"{served.status:<9}{served.service}  {served.serving_revision or 'nobody serves'}  {served.url}".rstrip()
        yield from (f"         {line}" for line in f"{served.reason} {served.message}".strip().splitlines())
    yield "healthy" if delivery.health.healthy else f"not healthy: {delivery.health.reason}"


def emulator(
    state: Annotated[Path, typer.Option(help="Where images, logs and services are kept.")] = Path(
        ".untilgreen/emulator"
    ),
    port: Annotated[int, typer.Option(help="0 takes any free one.")] = 0,
    seed: Annotated[Path | None, typer.Option(help="A YAML file with the secrets to begin with.")] = None,
    as_json: Json = False,
) -> None:
    """Run the embedded cloud alone, until Ctrl-C, and print how to reach it."""
    from untilgreen.adapters.local_cloud import running  # noqa: PLC0415 - keeps --help fast

    with running(state, seed, port) as cloud:
        if as_json:
            print_json({**asdict(cloud), "faults": str(cloud.faults)})
        else:
            typer.echo("\n".join(_places(cloud)))
        sys.stdout.flush()
        threading.Event().wait()


def _places(cloud: LocalCloud) -> Iterator[str]:
    yield f"cloud.endpoint: {cloud.endpoint}   for untilgreen.yaml"
    yield f"api_endpoint:   {cloud.tls}   for any official client, with this environment:"
    yield from (f"export {name}={shlex.quote(value)}" for name, value in cloud.environment.items())
    yield f"faults:         {cloud.faults}   makes it difficult while it runs"
    yield "Ctrl-C ends it."
