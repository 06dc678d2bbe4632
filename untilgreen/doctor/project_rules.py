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

LEAKING = {
    "GOOGLE_SDK_PYTHON_LOGGING_SCOPE": (Result.PROBLEM, "Google's clients log payloads, secrets among them"),
    "GRPC_TRACE": (Result.WARNING, "gRPC prints headers, access tokens among them"),
    "SSLKEYLOGFILE": (Result.WARNING, "the keys of every TLS connection are written into a file"),
    "CLOUDSDK_CORE_LOG_HTTP": (Result.WARNING, "gcloud prints its requests, access tokens among them"),
}
"""Environment variable -> how bad it is, and what it lets out."""


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
    """Each build context is there, and its builder can make an image of it that this cloud can start."""
    for context in seen.contexts:
        wrong = _unbuildable(context, emulated=seen.emulated)
        if wrong:
            what, advice = wrong
            yield Remark(result=Result.PROBLEM, seen=f"{context.service}: {what}", advice=advice)
        else:
            how = {"command": f"built by {context.program}", "prebuilt": "built elsewhere"}.get(
                context.builder, "started by its Procfile"
            )
            yield Remark(result=Result.OK, seen=f"{context.service}: {context.source}, {context.files} files, {how}")


def _unbuildable(context: ContextSeen, *, emulated: bool) -> tuple[str, str] | None:
    where = f"services.{context.service}"
    if context.builder == "prebuilt":
        return None
    if not context.files:
        return f"{context.source} holds no committed file", f"Correct {where}.source, or commit the folder."
    if context.builder == "command":
        advice = f"Install {context.program}, or correct {where}.builder.command."
        return None if context.on_path else (f"{context.program} is not on PATH", advice)
    if not emulated:
        advice = f"Set {where}.builder to `command` or `prebuilt`."
        return "the builder `snapshot` makes images for the emulator only", advice
    if not context.procfile:
        advice = "Add a Procfile with a line `web: COMMAND`: the emulator starts services as processes."
        return f"{context.source} has no Procfile", advice
    return None


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
    leaks = [name for name in LEAKING if name in seen.names]
    for name in leaks:
        result, what = LEAKING[name]
        yield Remark(result=result, seen=f"{name} is set: {what}", advice=f"`unset {name}` before a loop.")
    if not leaks:
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
