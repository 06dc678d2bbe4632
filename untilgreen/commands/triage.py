"""The command that finds causes in a folder of evidence, without any cloud or loop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from untilgreen.commands.options import Json

if TYPE_CHECKING:
    from untilgreen.model.analysis import Analysis, Triage


def triage(
    bundle: Annotated[Path, typer.Argument(help="A folder with evidence: a cycle's `bundle`, or an imported one.")],
    as_json: Json = False,
) -> None:
    """Find the causes of the failures in a bundle. The same bundle gives the same bytes."""
    from untilgreen.collect.bundle import load  # noqa: PLC0415 - keeps --help fast
    from untilgreen.triage.step import triage as find_causes  # noqa: PLC0415 - keeps --help fast

    found = find_causes(load(bundle))
    typer.echo(found.model_dump_json(indent=1) if as_json else "\n".join(_lines(found)))


def _lines(found: Triage) -> Iterator[str]:
    from untilgreen.report.text import many, one_line  # noqa: PLC0415 - keeps --help fast

    analyses = {a.group: a for a in reversed(found.analyses)}
    tests = sum(len(group.cases) for group in found.groups)
    yield f"{many(tests, 'test')}, {many(len(found.groups), 'group')}"
    for group in found.groups:
        hidden = " (not observed: something else hides it)" if group.masked_by else ""
        yield f"{len(group.cases):>6}  {one_line(f'{group.key}{hidden}', 300)}"
        yield from (f"        {one_line(text, 300)}" for text in _chain(analyses.get(group.id)))


def _chain(analysis: Analysis | None) -> Iterator[str]:
    if analysis:
        yield from (f"{why.number}. {why.answer}" for why in analysis.whys)
