"""Analyses by any program: it reads a bundle and prints a JSON list. It sees copies only, and can change nothing."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from untilgreen.collect.bundle import Bundle
from untilgreen.errors import AnalysisUnreadable
from untilgreen.model.analysis import Analysis
from untilgreen.triage.recorded import parse, recorded

_MOST = 4_000_000
"""Bytes that are read of what it prints; an analysis is small."""
_WORDS = 400
"""Bytes of its last words that a message shows."""
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What a program needs to run. Anything else may hold a secret that is none of its business."""


class CommandAnalyst:
    """Asks a program.

    Args:
        command: words; `{bundle}` stands for the folder of the bundle, which is its working folder as well.
        pass_env: names of further environment variables that it is given, for example a key of its own.
        timeout_s: longest time that it may take.
    """

    def __init__(self, command: tuple[str, ...], pass_env: tuple[str, ...] = (), timeout_s: float = 600) -> None:
        self._command = command
        self._pass_env = pass_env
        self._timeout_s = timeout_s

    def analyse(self, bundle: object) -> tuple[Analysis, ...]:
        """Return what the program says of a bundle.

        Raises:
            AnalysisUnreadable: it fails, takes too long, or prints something else.
            TypeError: it is no bundle.
        """
        if not isinstance(bundle, Bundle):
            raise TypeError(f"an analyst reads a Bundle, not {type(bundle).__name__}")
        with tempfile.TemporaryDirectory(prefix="untilgreen-bundle-") as name:
            bundle.save(Path(name))
            return recorded(parse(self._ask(name), f"what {self._command[0]} printed"), bundle)

    def _ask(self, folder: str) -> bytes:
        words = [word.replace("{bundle}", folder) for word in self._command]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            code = self._end(_start(words, folder, self._pass_env, out, errors), words[0])
            if code:
                said = _tail(errors) or "it said nothing"
                raise AnalysisUnreadable(f"{words[0]} ended with exit code {code}: {said}")
            out.seek(0)
            return out.read(_MOST)

    def _end(self, process: subprocess.Popen[bytes], name: str) -> int:
        """Wait for its end, and leave nothing of it behind."""
        try:
            return process.wait(self._timeout_s)
        except subprocess.TimeoutExpired:
            raise AnalysisUnreadable(f"{name} took longer than {self._timeout_s:g} s.") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _start(
    words: list[str], folder: str, pass_env: tuple[str, ...], out: IO[bytes], errors: IO[bytes]
) -> subprocess.Popen[bytes]:
    env = {key: os.environ[key] for key in (*_INHERITED, *pass_env) if key in os.environ}
    try:
        return subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
            words, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, start_new_session=True
        )
    except OSError as error:
        raise AnalysisUnreadable(f"{shlex.join(words)} cannot be started: {error.strerror}.") from None


def _tail(file: IO[bytes]) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - _WORDS))
    return file.read().decode("utf-8", "replace").strip()
