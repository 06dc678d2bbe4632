"""Rule `image.port`: the container listens on the port that the platform asks."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from untilgreen.build.gate.context import Context
from untilgreen.build.gate.statements import parsed
from untilgreen.build.start import Port
from untilgreen.model.delivery import GateFinding

RULE = "image.port"

_RUNS = frozenset({"uvicorn.run", "hypercorn.run", "web.run_app", "run_app", "app.run", "application.run"})


def port(context: Context) -> Iterator[GateFinding]:
    """Compare the port that the start command or the started script names with the template's."""
    named = list(_in_command(context))
    yield from named or (() if context.start.ports else _in_script(context))
    yield from _exposed(context)


def _in_command(context: Context) -> Iterator[GateFinding]:
    start, wanted = context.start, context.wanted.port
    if any(_fits(found, wanted) for found in start.ports):
        return
    for found in start.ports[:1]:
        place = f"{context.build.in_repository(start.file)}:{start.line}"
        if found.text.isdigit():
            yield _mismatch(context, start.file, start.line, f"{place} starts it on", found.text, sure=found.sure)
        elif "$" in found.text and not found.expands:
            message = (
                f"{place} hands {found.text} over as it is written: no shell fills it in. Write the command as a text, "
                f"or start it through sh -c."
            )
            finding = context.finding(RULE, message, start.file, start.line, blocking=found.sure)
            yield finding.model_copy(update={"key": "port", "actual": found.text, "expected": str(wanted)})


def _fits(found: Port, wanted: int) -> bool:
    return found.text == str(wanted) or ("$" in found.text and found.expands)


def _in_script(context: Context) -> Iterator[GateFinding]:
    """Look for a call such as `app.run(port=9000)` that the script certainly makes."""
    for entry in context.start.entries:
        path = context.start.files[entry.path]
        tree = parsed(context.texts.get(path, "")) if entry.main else None
        for call in _calls(tree.body if tree else []):
            value = next((k.value for k in call.keywords if k.arg == "port"), None)
            if isinstance(value, ast.Constant) and type(value.value) is int and value.value != context.wanted.port:
                said = f"{context.build.in_repository(path)}:{call.lineno} listens on"
                yield _mismatch(context, path, call.lineno, said, str(value.value), sure=True)
                return


def _calls(body: list[ast.stmt]) -> Iterator[ast.Call]:
    """Go through the calls that start a server and stand neither in a function nor under a condition."""
    for node in body:
        if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test):
            yield from _calls(node.body)
        elif isinstance(node, ast.Expr):
            value = node.value.value if isinstance(node.value, ast.Await) else node.value
            if isinstance(value, ast.Call) and ast.unparse(value.func) in _RUNS:
                yield value


def _mismatch(context: Context, path: str, line: int, said: str, actual: str, *, sure: bool) -> GateFinding:
    wanted, service = context.wanted.port, context.build.service
    message = (
        f"{said} port {actual}, and the platform asks port {wanted}. Listen on $PORT, or set "
        f"services.{service}.port to {actual}."
    )
    found = context.finding(RULE, message, path, line, blocking=sure)
    return found.model_copy(update={"key": "port", "actual": actual, "expected": str(wanted)})


def _exposed(context: Context) -> Iterator[GateFinding]:
    """Warn of an EXPOSE that says something else: it is only a note, but a wrong one."""
    exposed, wanted = context.start.exposed, context.wanted.port
    if exposed and wanted not in exposed:
        other, line = next(iter(exposed.items()))
        place = f"{context.build.in_repository(context.start.file)}:{line}"
        message = f"{place} exposes port {other}, and the platform asks port {wanted}. Correct one of them."
        yield context.finding(RULE, message, context.start.file, line, blocking=False)
