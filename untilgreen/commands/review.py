"""The command that judges what somebody says or offers: analyses on a bundle, a diff on a commit."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from untilgreen.commands.options import Json
from untilgreen.commands.output import print_json, say
from untilgreen.errors import ConfigError

if TYPE_CHECKING:
    from untilgreen.model.analysis import Analysis, Finding, FixReview, Review
    from untilgreen.review.verdict import Verdict

_STDIN = "-"


def review(  # noqa: PLR0917 - typer makes an option of each
    bundle: Annotated[
        Path | None, typer.Argument(help="A folder with evidence: a cycle's `bundle`, or an imported one.")
    ] = None,
    analysis: Annotated[
        Path | None, typer.Option("--analysis", help="JSON: one analysis, a list, or what step triage left.")
    ] = None,
    fix: Annotated[
        str, typer.Option("--fix", metavar="DIFF", help="What `git diff` prints; - for standard input.")
    ] = "",
    repo: Annotated[Path, typer.Option("--repo", help="The git repository of the diff; it is only read.")] = Path(),
    base: Annotated[str, typer.Option("--base", help="The commit that the diff is relative to.")] = "HEAD",
    breaks: Annotated[
        str, typer.Option("--breaks", help="Which why the fix breaks: `claim_type subject`, as the analysis has it.")
    ] = "",
    sarif: Annotated[Path | None, typer.Option("--sarif", metavar="FILE", help="Write SARIF 2.1.0, too.")] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of analyses, and nothing else.")
    ] = False,
    as_json: Json = False,
) -> NoReturn:
    """Judge anybody's analysis on a bundle, or a diff alone. Nothing is deployed, and nothing is changed.

    Exit code 0: all approved. 5: all rejected. 6: anything else, so a person has to look.
    """
    if schema:
        _print_schema()
    _need_something(bundle, analysis, fix)
    reviews, about = _analyses(bundle, analysis)
    fixes = [_diff(fix, repo, base, about, breaks)] if fix else []
    from untilgreen.review.verdict import EXIT_CODES, verdict  # noqa: PLC0415 - keeps --help fast

    judged = verdict(reviews, fixes)
    if sarif:
        _write_sarif(judged, sarif, str(analysis or ""), fix)
    if as_json:
        print_json(judged.model_dump(mode="json"))
    else:
        typer.echo("\n".join(_lines(judged)))
    raise SystemExit(EXIT_CODES[judged.decision])


def _print_schema() -> NoReturn:
    from untilgreen.review.submitted import schema  # noqa: PLC0415 - keeps --help fast

    print_json(schema())
    raise SystemExit(0)


def _need_something(bundle: Path | None, analysis: Path | None, fix: str) -> None:
    if bundle and not analysis:
        raise ConfigError(f"{bundle} is only evidence. Say by --analysis FILE what is to be judged on it.")
    if analysis and not (bundle or fix):
        raise ConfigError(f"{analysis} is judged on evidence. Name a bundle, or a diff by --fix.")
    if not (analysis or fix):
        raise ConfigError("Nothing to judge. Name a BUNDLE and --analysis FILE, or --fix DIFF, or all three.")


def _analyses(bundle: Path | None, file: Path | None) -> tuple[list[Review], list[Analysis]]:
    """Return the judgements on the analyses of a file, and those analyses that are whole without a bundle."""
    from untilgreen.collect.bundle import load  # noqa: PLC0415 - keeps --help fast
    from untilgreen.model.analysis import Analysis  # noqa: PLC0415 - as above
    from untilgreen.review import submitted  # noqa: PLC0415 - as above
    from untilgreen.review.gate import review as judge  # noqa: PLC0415 - as above

    if file is None:
        return [], []
    found = submitted.read(_bytes(file), str(file))
    if bundle is None:
        return [], [one for one in found if isinstance(one, Analysis)]
    evidence = load(bundle)
    whole = submitted.analyses(found, evidence, str(file))
    return [judge(analysis, evidence) for analysis in whole], list(whole)


def _diff(name: str, repo: Path, base: str, analyses: list[Analysis], breaks: str) -> FixReview:
    from untilgreen.adapters.prefect_server import home  # noqa: PLC0415 - keeps --help fast
    from untilgreen.adapters.ruff_checker import RuffChecker  # noqa: PLC0415 - as above
    from untilgreen.premerge import judge_bytes, meant  # noqa: PLC0415 - as above
    from untilgreen.ssot.store import FolderStore  # noqa: PLC0415 - as above
    from untilgreen.wiring import open_history  # noqa: PLC0415 - as above

    raw = sys.stdin.buffer.read() if name == _STDIN else _bytes(Path(name))
    about, read = meant(analyses, breaks), FolderStore(home() / "index")
    return judge_bytes(open_history(repo.resolve()), base, raw, about, breaks, RuffChecker(), store=read)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: it cannot be read ({error.strerror}). Correct the path.") from None


def _write_sarif(judged: Verdict, file: Path, analysis: str, diff: str) -> None:
    import json  # noqa: PLC0415 - keeps --help fast

    from untilgreen.report.sarif import sarif  # noqa: PLC0415 - as above

    document = sarif(judged, analysis, "stdin.diff" if diff == _STDIN else diff)
    try:
        file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8", "replace")
    except OSError as error:
        raise ConfigError(f"{file}: it cannot be written ({error.strerror}). Name another file.") from None
    say(f"wrote {file}")


def _lines(judged: Verdict) -> Iterator[str]:
    for review in judged.reviews:
        yield from _told(review.decision, f"{review.author}'s {review.analysis}", review.findings)
    for fix in judged.fixes:
        yield from _told(fix.decision, fix.fix, fix.findings)
    yield f"{judged.decision}"


def _told(decision: str, what: str, findings: Iterable[Finding]) -> Iterator[str]:
    from untilgreen.report.text import one_line  # noqa: PLC0415 - keeps --help fast

    yield one_line(f"{decision}  {what}", 200)
    for finding in findings:
        mark = {"supported": "+", "refuted": "-"}.get(finding.truth, "?")
        yield one_line(f"  {mark} {finding.rule}: {finding.message}", 400)
