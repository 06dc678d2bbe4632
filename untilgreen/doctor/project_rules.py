"""Rules about the repository, its settings, its tests and this machine. Each reads one part of the facts."""

from __future__ import annotations

from collections.abc import Iterator

from untilgreen.doctor.facts import (
    BuildSeen,
    CollectionSeen,
    ContextSeen,
    DiskSeen,
    EnvironmentSeen,
    GitSeen,
    InterpreterSeen,
    RepositorySeen,
    ServerSeen,
    SettingsSeen,
)
from untilgreen.doctor.findings import Remark, Result
from untilgreen.settings import FILE

SHOWN = 3
"""Names that one line bears; the rest is counted."""

SCARCE, ENOUGH = 500_000_000, 2_000_000_000
"""Bytes. A loop of 1000 tests with two services leaves about 100 MB a cycle; a full disk loses its evidence."""

PYTEST = (7, 0)
"""The oldest pytest whose hooks the witness uses."""

GCLOUD_LOG = "CLOUDSDK_CORE_LOG_HTTP"
"""Makes gcloud print its requests. A loop itself does not call gcloud; a build command may."""


def git_is_there(seen: GitSeen) -> Iterator[Remark]:
    """Without git no commit can be tested."""
    if seen.version:
        yield Remark(result=Result.OK, seen=seen.version)
    else:
        yield Remark(
            result=Result.PROBLEM, seen="there is no git program on PATH", advice="Install git, or correct PATH."
        )


def tree_is_committed(seen: RepositorySeen) -> Iterator[Remark]:
    """What is tested is what is committed."""
    if seen.error:
        yield Remark(result=Result.PROBLEM, seen=seen.error)
        return
    if not seen.uncommitted:
        yield Remark(result=Result.OK, seen=f"commit {seen.commit[:12]}, nothing uncommitted")
        return
    yield Remark(
        result=Result.WARNING,
        seen=f"{_some(seen.uncommitted)} differ from commit {seen.commit[:12]}",
        advice="Commit what is to be tested: only committed files are deployed and run.",
    )


def settings_are_usable(seen: SettingsSeen) -> Iterator[Remark]:
    """The commit holds settings that can be used."""
    if seen.error:
        yield Remark(
            result=Result.PROBLEM,
            seen=seen.error,
            advice="Correct it and commit; `untilgreen init` writes a first one.",
        )
    elif not seen.commit:
        yield Remark(
            result=Result.PROBLEM,
            seen=f"{FILE} lies in the folder, and HEAD does not hold it; the checks below use the folder's",
            advice=f"`git add {FILE}` and commit: a loop reads the settings of the commit that it tests.",
        )
    else:
        yield Remark(result=Result.OK, seen=f"{FILE} of commit {seen.commit[:12]}: {', '.join(seen.services)}")


def contexts_can_be_built(seen: BuildSeen) -> Iterator[Remark]:
    """Each image can be made, and the image gate lets it through."""
    for context in seen.contexts:
        yield _context(context)
        for found in context.findings:
            result = Result.PROBLEM if found.blocking else Result.WARNING
            yield Remark(result=result, seen=f"{found.service}: {found.rule}: {found.message}")


def _context(context: ContextSeen) -> Remark:
    if context.error:
        return Remark(result=Result.PROBLEM, seen=f"{context.service}: {context.error}")
    if context.builder == "snapshot" and not context.procfile:
        return Remark(
            result=Result.PROBLEM,
            seen=f"{context.service}: {context.source} has no Procfile",
            advice="Add one with a line `web: COMMAND`: the emulator starts services as processes.",
        )
    how = {"command": "built by its command", "prebuilt": "built elsewhere"}.get(context.builder, "by its Procfile")
    return Remark(result=Result.OK, seen=f"{context.service}: {context.source}, {context.files} files, {how}")


def interpreter_has_pytest(seen: InterpreterSeen) -> Iterator[Remark]:
    """The tests' own interpreter can be started and has pytest."""
    if seen.error or not seen.version:
        why = seen.error or "it says nothing"
        advice = "Set suite.python to the interpreter of the tests' environment."
        yield Remark(result=Result.PROBLEM, seen=f"{seen.python} cannot be started: {why}", advice=advice)
    elif not seen.pytest:
        yield Remark(
            result=Result.PROBLEM,
            seen=f"{seen.python} (Python {seen.version}) has no pytest",
            advice=f"`{seen.python} -m pip install pytest`, or set suite.python to the tests' own interpreter.",
        )
    elif _version(seen.pytest) < PYTEST:
        yield Remark(
            result=Result.PROBLEM,
            seen=f"{seen.python} has pytest {seen.pytest}",
            advice=f"Install pytest {PYTEST[0]} or newer there: older ones report too little to prove a test.",
        )
    else:
        yield Remark(result=Result.OK, seen=f"{seen.python}: Python {seen.version}, pytest {seen.pytest}")


def tests_are_collected(seen: CollectionSeen) -> Iterator[Remark]:
    """The suite holds at least as many tests as the settings ask for, and all of them can be collected."""
    if seen.crash:
        yield Remark(result=Result.PROBLEM, seen=seen.crash, advice="Run the same command by hand and mend it.")
    for error in seen.errors:
        yield Remark(
            result=Result.PROBLEM, seen=_short(error), advice="A file that cannot be collected is never green."
        )
    if seen.crash or seen.errors:
        return
    if seen.collected < seen.minimum:
        yield Remark(
            result=Result.PROBLEM,
            seen=f"{seen.path}: {seen.collected} tests, and suite.minimum is {seen.minimum}",
            advice="Correct suite.path, or suite.minimum if tests were taken away on purpose.",
        )
        return
    yield Remark(result=Result.OK, seen=f"{seen.path}: {seen.collected} tests, at least {seen.minimum} expected")


def server_answers(seen: ServerSeen) -> Iterator[Remark]:
    """A Prefect server answers, or one can be started."""
    if seen.named and seen.api != seen.named:
        yield Remark(
            result=Result.WARNING,
            seen=f"PREFECT_API_URL is {seen.named}, and nothing answers there",
            advice="Start that server, or unset the variable: otherwise untilgreen starts one of its own.",
        )
    if not seen.api:
        yield Remark(
            result=Result.OK, seen="none runs; the first `untilgreen run` starts one, which takes up to 40 s once"
        )
    elif seen.version and seen.client and _version(seen.version) < _version(seen.client):
        yield Remark(
            result=Result.WARNING,
            seen=f"{seen.api} is Prefect {seen.version}, this environment has {seen.client}",
            advice="Update the server: a newer client may ask for what an older server does not have.",
        )
    else:
        yield Remark(result=Result.OK, seen=f"{seen.api} answers, Prefect {seen.version or 'of unknown version'}")


def environment_is_tight(seen: EnvironmentSeen) -> Iterator[Remark]:
    """Nothing in the environment makes a library write secrets down."""
    for leak in seen.leaks:
        yield Remark(result=Result.PROBLEM, seen=leak)
    if GCLOUD_LOG in seen.names:
        what = f"{GCLOUD_LOG} is set: gcloud prints its requests, access tokens among them"
        yield Remark(result=Result.WARNING, seen=what, advice="Unset it before a build command calls gcloud.")
    elif not seen.leaks:
        yield Remark(result=Result.OK, seen="no variable that makes a library log secrets")


def disk_has_room(seen: DiskSeen) -> Iterator[Remark]:
    """There is room for evidence."""
    room = f"{seen.place}: {seen.free / 1e9:.1f} GB free"
    if not seen.writable:
        advice = "Give whoever runs untilgreen the right to write there."
        yield Remark(result=Result.PROBLEM, seen=f"{seen.place} cannot be written", advice=advice)
    elif seen.free < SCARCE:
        advice = f"Make room: less than {SCARCE / 1e9:.1f} GB loses evidence in the middle of a cycle."
        yield Remark(result=Result.PROBLEM, seen=room, advice=advice)
    elif seen.free < ENOUGH:
        advice = "Remove old loops below .untilgreen/loops before a long one."
        yield Remark(result=Result.WARNING, seen=room, advice=advice)
    else:
        yield Remark(result=Result.OK, seen=room)


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _short(text: str) -> str:
    """Return the first line and the last: pytest puts the place first and the error last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it says nothing"]
    return lines[0] if len(lines) == 1 else f"{lines[0]} ... {lines[-1]}"


def _version(text: str) -> tuple[int, ...]:
    parts = []
    for part in text.split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)
