"""Pushes and pull requests by the user's own commands. What they do is told; nothing depends on it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal

from untilgreen.model.analysis import Publication

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_CONFIG_HOME")
_PLACE = re.compile(r"\{([a-z]+)\}")
_LIMIT_S = 300
_SHOWN = 500


def publish(
    what: Literal["push", "pull_request"],
    command: tuple[str, ...],
    root: Path,
    places: Mapping[str, str],
    *,
    pass_env: tuple[str, ...] = (),
    redactor: Callable[[str], str] = str,
) -> Publication:
    """Run one command in the repository, without a shell.

    Args:
        what: for the record.
        command: words; `{name}` stands for the place of that name.
        root: of the user's repository.
        places: name -> text. The text is one word, whatever it holds.
        pass_env: names of further environment variables.
        redactor: what its output must not show.
    """
    words = [_filled(word, places) for word in command]
    env = {key: os.environ[key] for key in (*_INHERITED, *pass_env) if key in os.environ}
    with tempfile.TemporaryFile() as output:
        ok, trouble = _run(words, root, env | {"GIT_TERMINAL_PROMPT": "0"}, output)
        output.seek(max(0, output.seek(0, os.SEEK_END) - 4 * _SHOWN))
        said = redactor(output.read().decode("utf-8", "replace")).strip()[-_SHOWN:]
    return Publication(what=what, ok=ok, said=f"{trouble} {said}".strip())


def _filled(word: str, places: Mapping[str, str]) -> str:
    """Fill in once: what a place holds is not looked through again."""
    return _PLACE.sub(lambda found: places.get(found[1], found[0]), word)


def _run(words: list[str], root: Path, env: dict[str, str], output: IO[bytes]) -> tuple[bool, str]:
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
            words, cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    except OSError as error:
        return False, f"{shlex.join(words[:1])} cannot be started: {error.strerror}."
    try:
        code = process.wait(_LIMIT_S)
    except subprocess.TimeoutExpired:
        return False, f"{words[0]} took longer than {_LIMIT_S} s."
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return code == 0, f"{words[0]} ended with exit code {code}." if code else ""
