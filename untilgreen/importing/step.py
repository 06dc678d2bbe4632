"""Puts together a bundle of what other tools wrote. What is not there is a gap in the coverage, never an absence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from untilgreen.collect.blame import blames
from untilgreen.collect.bundle import Bundle
from untilgreen.collect.changes import changes, old_commits
from untilgreen.collect.gathered import Gathered
from untilgreen.collect.sources import context_files
from untilgreen.errors import ConfigError, EvidenceIncomplete
from untilgreen.importing.intake import Intake
from untilgreen.importing.junit import looks_like_junit, read_junit
from untilgreen.importing.log_records import merged, read_log
from untilgreen.importing.report_log import read_report_log
from untilgreen.model.document import Document, Window
from untilgreen.model.evidence import (
    Blame,
    Case,
    Commit,
    Entry,
    GateSeen,
    HealthSeen,
    HealthSpan,
    Hunk,
    ImageContent,
    Item,
    Manifest,
    Request,
    Revision,
    Secret,
    SourceFile,
    Usage,
)
from untilgreen.ports import History, Redaction

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_ABSENT = (Revision, Secret, ImageContent, GateSeen, HealthSeen, HealthSpan, Usage)


@dataclass(frozen=True)
class Repository:
    """Where the tested source is.

    Args:
        history: the git repository.
        commit: the tested one, a full sha.
        good: the last good one, or empty.
        contexts: service -> its build context, as far as anybody said so.
    """

    history: History
    commit: str
    good: str
    contexts: dict[str, str]


class Imported(Document):
    """What came of the files."""

    intakes: tuple[Intake, ...]
    manifest: Manifest


def bring_in(
    tests: Sequence[Path], logs: Sequence[Path], repository: Repository | None, redaction: Redaction
) -> tuple[Bundle, Imported]:
    """Read foreign files into one bundle.

    Args:
        tests: JUnit XML or report logs.
        logs: exported log entries.
        repository: the source, if it is there.
        redaction: takes secrets out of what was printed and logged.

    Raises:
        ConfigError: nothing is named, or a file is not there.
        EvidenceIncomplete: a file holds records, and none of them is evidence.
    """
    _need_files([*tests, *logs], repository)
    reports = [_read_tests(file, redaction) for file in tests]
    found = [read_log(file, redaction) for file in logs]
    intakes = tuple([intake for _, intake in reports] + [log.intake for log in found])
    _need_evidence(intakes)
    cases = [case for report, _ in reports for case in report]
    entries, requests, hosts = merged(found)
    window = _window([*cases, *entries, *requests])
    gathered = Gathered(window)
    gathered.add(cases, kind=Case, subject="*", query="imported test reports", gap=_case_gap([i for _, i in reports]))
    services = sorted({e.service for e in entries} | {r.service for r in requests})
    _add_logs(gathered, services, entries, requests)
    sources = _add_repository(gathered, repository, services, window)
    for kind in _ABSENT:
        gathered.add([], kind=kind, subject="*", query="none", gap="not imported")
    manifest = _manifest(gathered, repository, _revisions(entries, requests), _urls(hosts), sources)
    bundle = Bundle.counted(manifest, gathered.items)
    return bundle, Imported(intakes=intakes, manifest=bundle.manifest)


def _need_files(files: Iterable[Path], repository: Repository | None) -> None:
    files = list(files)
    if not files and repository is None:
        raise ConfigError("There is nothing to import. Name --tests, --log or --repo.")
    for file in files:
        if not file.is_file():
            raise ConfigError(f"{file}: there is no such file.")


def _need_evidence(intakes: Iterable[Intake]) -> None:
    """Refuse a file of which nothing was kept: to go on without it would look like silence."""
    for intake in intakes:
        if intake.read and not intake.kept:
            reasons = "; ".join(f"{count} x {reason}" for reason, count in intake.refused.items())
            raise EvidenceIncomplete(f"{intake.file}: none of its {intake.read} records is evidence: {reasons}.")


def _read_tests(file: Path, redaction: Redaction) -> tuple[list[Case], Intake]:
    with file.open(encoding="utf-8", errors="replace") as text:
        beginning = text.read(200)
    return read_junit(file, redaction) if looks_like_junit(beginning) else read_report_log(file, redaction)


def _window(items: Iterable[Item]) -> Window:
    times = [item.at for item in items if item.at]
    return Window(start=min(times, default=_NEVER), end=max(times, default=_NEVER))


def _case_gap(intakes: Sequence[Intake]) -> str:
    if not intakes:
        return "no test report was imported"
    refused = [f"{intake.file}: {intake.read - intake.kept} records refused" for intake in intakes if intake.refused]
    return "; ".join([*(intake.gap for intake in intakes if intake.gap), *refused])


def _add_logs(gathered: Gathered, services: list[str], entries: list[Entry], requests: list[Request]) -> None:
    """Add the rows. Nobody knows what the query of an export left out, so no silence in it shows anything."""
    gap = "imported: what the export's own query left out is not known"
    for service in services or ["*"]:
        mine = [entry for entry in entries if entry.service == service]
        gathered.add(mine, kind=Entry, subject=service, query="imported entries", gap=gap)
        rows = [request for request in requests if request.service == service]
        gathered.add(rows, kind=Request, subject=service, query="imported request log", gap=gap)


def _add_repository(
    gathered: Gathered, repository: Repository | None, services: list[str], window: Window
) -> dict[str, str]:
    """Add source and history; return each service's build context."""
    if repository is None:
        for kind in (Commit, Hunk, SourceFile, Blame):
            gathered.add([], kind=kind, subject="*", query="none", gap="no repository was imported")
        return {}
    history, commit = repository.history, repository.commit
    gathered.merge(changes(history, commit, repository.good, window))
    contexts = {**guessed(services, history.files(commit)), **repository.contexts}
    gathered.merge(context_files(history, contexts or {"": "."}, commit, window))
    gathered.merge(blames(history, commit, gathered.items, old_commits(gathered), window))
    return contexts


def guessed(services: Iterable[str], paths: Iterable[str]) -> dict[str, str]:
    """Return each service's likely build context: the shallowest folder of its name, else the whole repository."""
    folders = sorted({str(p) for path in paths for p in PurePosixPath(path).parents}, key=lambda f: (f.count("/"), f))
    return {name: next((f for f in folders if PurePosixPath(f).name == name), ".") for name in services}


def _revisions(entries: Iterable[Entry], requests: Iterable[Request]) -> dict[str, str]:
    """Return for each service the revision that was first seen last: the newest one that wrote anything."""
    first: dict[tuple[str, str], datetime] = {}
    rows: list[Entry | Request] = [*entries, *requests]
    for row in rows:
        if row.revision and row.at:
            key = row.service, row.revision
            first[key] = min(first.get(key, row.at), row.at)
    return {service: revision for (service, revision), _ in sorted(first.items(), key=lambda pair: (pair[1], pair[0]))}


def _urls(hosts: dict[str, set[str]]) -> dict[str, str]:
    """Return where each service was asked; a host that several share, such as a balancer's, names none of them."""
    shared = Counter(host for names in hosts.values() for host in names)
    own = {service: sorted(h for h in names if shared[h] == 1) for service, names in sorted(hosts.items())}
    return {service: f"https://{names[0]}" for service, names in own.items() if names}


def _manifest(
    gathered: Gathered,
    repository: Repository | None,
    revisions: dict[str, str],
    urls: dict[str, str],
    sources: dict[str, str],
) -> Manifest:
    return Manifest(
        loop="imported",
        cycle=1,
        commit=repository.commit if repository else "",
        good_commit=repository.good if repository else "",
        window=gathered.window,
        revisions=revisions,
        urls=urls,
        sources=sources,
        coverage=tuple(gathered.coverage),
        counts={},
        folder="bundle",
    )
