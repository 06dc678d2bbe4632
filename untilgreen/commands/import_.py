"""The command that makes evidence of what other tools wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from untilgreen.commands.options import Json
from untilgreen.commands.output import print_json
from untilgreen.errors import ConfigError

if TYPE_CHECKING:
    from untilgreen.importing.step import Repository

Into = Annotated[Path, typer.Option("--into", help="The folder for the bundle; new or empty.")]
Tests = Annotated[list[Path] | None, typer.Option("--tests", help="JUnit XML or a pytest report log. Repeatable.")]
Logs = Annotated[
    list[Path] | None,
    typer.Option("--log", help="What `gcloud logging read --format=json` printed, or JSON lines. Repeatable."),
]
Folders = Annotated[
    list[str] | None, typer.Option("--source", metavar="SERVICE=FOLDER", help="A service's folder. Repeatable.")
]


def import_(
    into: Into = Path("evidence"),
    *,
    tests: Tests = None,
    log: Logs = None,
    repo: Annotated[Path | None, typer.Option("--repo", help="The git repository of what was tested.")] = None,
    commit: Annotated[str, typer.Option("--commit", help="The tested commit.")] = "HEAD",
    good: Annotated[str, typer.Option("--good", help="The last commit that was good.")] = "",
    source: Folders = None,
    as_json: Json = False,
) -> None:
    """Make a bundle of test reports, exported logs and a repository; each may be left out.

    `untilgreen triage` and `untilgreen explain --bundle` work on it. Exit code 4: a file holds no evidence at all.
    """
    from untilgreen.importing.step import bring_in  # noqa: PLC0415 - keeps --help fast
    from untilgreen.redaction import Redactor  # noqa: PLC0415 - keeps --help fast

    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise ConfigError(f"{into}: it is there, and not an empty folder. Name another by --into.")
    repository = _repository(repo, commit, good, source or [])
    bundle, imported = bring_in(tests or [], log or [], repository, Redactor())
    bundle.save(into)
    (into / "import.json").write_text(imported.model_dump_json(indent=1), "utf-8")
    if as_json:
        print_json(imported.model_dump(mode="json"))
        return
    typer.echo("\n".join(line for intake in imported.intakes for line in intake.lines()))
    counts = ", ".join(f"{number} {kind}" for kind, number in imported.manifest.counts.items())
    typer.echo(f"{into}: {counts or 'nothing'}")


def _repository(repo: Path | None, commit: str, good: str, source: list[str]) -> Repository | None:
    if repo is None:
        if source or good:
            raise ConfigError("--good and --source speak of a repository. Name it by --repo.")
        return None
    from untilgreen.importing.step import Repository  # noqa: PLC0415 - keeps --help fast
    from untilgreen.wiring import open_history  # noqa: PLC0415 - keeps --help fast

    history = open_history(repo.resolve())
    contexts = dict(_pair(text) for text in source)
    return Repository(history, history.resolve(commit), history.resolve(good) if good else "", contexts)


def _pair(text: str) -> tuple[str, str]:
    service, sign, folder = text.partition("=")
    if not (service and sign and folder):
        raise ConfigError(f"--source {text}: it is SERVICE=FOLDER, for example backend=services/backend.")
    return service, folder.strip("/")
