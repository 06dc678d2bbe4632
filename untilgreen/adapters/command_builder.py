"""Images through any command line: docker, gcloud builds, ko, pack."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from untilgreen.errors import BuildFailed
from untilgreen.ports import BuildOrder

Command = str | tuple[str, ...]
"""A list of words, or a text for the shell."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}(?![0-9a-f])")
_COLOR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CHECKS = {"docker": ("docker", "info", "--format", "{{.ServerVersion}}"), "podman": ("podman", "info")}
"""What fails when an engine is down, and touches nothing."""

_CHECK_S = 60
_LINES = 20
_LETTERS = 2000


class CommandBuilder:
    """Builds with a command line.

    Args:
        command: see `untilgreen.settings.CommandBuilder`, as for the others.
        digest_command: prints the digest.
        digest_file: holds the digest.
        check: fails when nothing can be built.
        timeout_s: longest time of a build.
    """

    def __init__(
        self,
        command: Command,
        *,
        digest_command: Command = "",
        digest_file: str = "",
        check: tuple[str, ...] = (),
        timeout_s: float = 1800,
    ) -> None:
        self._command = command
        self._digest_command = digest_command
        self._digest_file = digest_file
        self._check = check
        self._timeout_s = timeout_s

    def ready(self) -> None:
        """See whether the program is there and its engine answers.

        Raises:
            BuildFailed: it is not, or does not.
        """
        program = _program(self._command)
        if program and not shutil.which(program):
            raise BuildFailed(f"Nothing can be built: there is no program {program} on PATH. Install it.")
        check = self._check or _CHECKS.get(program, ())
        if check:
            _run(check, {}, None, _CHECK_S, f"Nothing can be built: the engine behind {program or check[0]} is down")

    def build(self, order: BuildOrder) -> str:
        """Run the command on a build context.

        Raises:
            BuildFailed: it fails, takes too long, or gives no digest.
        """
        known = {name: getattr(order, name) for name in ("context", "root", "image", "commit", "service")}
        root = Path(order.root)
        printed = _run(self._command, known, root, self._timeout_s, f"{order.service}: the build failed")
        if self._digest_command:
            printed = resolve_digest(self._digest_command, known, root)
        elif self._digest_file:
            printed = _read(root, self._digest_file, order.service)
        found = _DIGEST.findall(printed)
        if not found:
            raise BuildFailed(
                f"{order.service}: the build command ended well and gave no digest. Let it push and print "
                f"`sha256:...` last, or set digest_command or digest_file.\n{tail(printed)}"
            )
        return str(found[-1])


class DigestCommand:
    """Resolves a tag by a command line.

    Args:
        command: prints the digest of `{image}:{tag}`.
    """

    def __init__(self, command: Command) -> None:
        self._command = command

    def __call__(self, image: str, tag: str, commit: str) -> str:
        """Return the digest that the command prints.

        Raises:
            BuildFailed: it fails, or prints none.
        """
        return resolve_digest(self._command, {"image": image, "tag": tag, "commit": commit}, None)


def resolve_digest(command: Command, known: Mapping[str, str], root: Path | None) -> str:
    """Run a command that prints a digest, and return the last that it prints.

    Raises:
        BuildFailed: it fails, or prints none.
    """
    printed = _run(command, known, root, _CHECK_S, f"{known.get('image', '')}: digest_command failed")
    found = _DIGEST.findall(printed)
    if not found:
        raise BuildFailed(f"{known.get('image', '')}: digest_command printed no `sha256:...`.\n{tail(printed)}")
    return str(found[-1])


def tail(text: str) -> str:
    """Return the last lines of a program's output, without colors."""
    lines = [line.rstrip() for line in _COLOR.sub("", text).replace("\r", "\n").splitlines() if line.strip()]
    return "\n".join(lines[-_LINES:])[-_LETTERS:]


def _program(command: Command) -> str:
    """Return the program that a list of words starts; what a text starts, the shell knows."""
    if not isinstance(command, str):
        return command[0]
    with suppress(ValueError):
        words = shlex.split(command)
        return words[0] if words and words[0] in _CHECKS else ""
    return ""


def _filled(command: Command, known: Mapping[str, str]) -> list[str]:
    """Put values in place of their names; in a text for the shell each is quoted."""
    if isinstance(command, str):
        return ["/bin/sh", "-c", _put(command, {name: shlex.quote(value) for name, value in known.items()})]
    return [_put(word, known) for word in command]


def _put(text: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\{([a-z]+)\}", lambda found: known.get(found[1], found[0]), text)


def _run(command: Command, known: Mapping[str, str], root: Path | None, limit_s: float, trouble: str) -> str:
    """Run a command to its end and return what it printed on stdout.

    Raises:
        BuildFailed: beginning with `trouble`, and the last lines of the output.
    """
    words = _filled(command, known)
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own build command is the point
            words, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, text=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise BuildFailed(f"{trouble}: {words[0]}: {error.strerror}. Correct the command.") from None
    try:
        out, err = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        out, err = _end(process)
        raise BuildFailed(f"{trouble}: it took more than {limit_s:g} s.\n{tail(f'{out}{err}')}") from None
    except BaseException:
        _end(process)
        raise
    if process.returncode:
        raise BuildFailed(f"{trouble}: {words[0]} exited with {process.returncode}.\n{tail(err or out)}")
    return out


def _end(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Kill a command with everything that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()


def _read(root: Path, name: str, service: str) -> str:
    file = root / name
    if not file.is_file():
        raise BuildFailed(f"{service}: the build command ended well and wrote no {name}, which digest_file names.")
    return file.read_text("utf-8", "replace")
