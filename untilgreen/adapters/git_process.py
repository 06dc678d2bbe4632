"""git as a process, shut off from the user's configuration and from the environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

from untilgreen.errors import RepositoryError

_LIMIT_S = 300
"""No call that is made here takes minutes; one that does waits for something that never comes."""

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "diff.noprefix=false",
    "diff.mnemonicPrefix=false",
    "diff.submodule=short",
    "log.showSignature=false",
    "log.showRoot=true",
    "i18n.logOutputEncoding=UTF-8",
    "i18n.commitEncoding=UTF-8",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.file.allow=always",
)
"""What a repository's own configuration could have changed."""


class GitProcess:
    """Runs git in one folder.

    Args:
        root: where.
        extra: added to the otherwise fixed environment.
    """

    def __init__(self, root: Path, extra: dict[str, str] | None = None) -> None:
        self.root = root
        self._extra = extra or {}

    def run(self, *args: str, given: bytes = b"") -> bytes:
        """Run one command and return what it prints.

        Raises:
            RepositoryError: it failed; the message is git's own.
        """
        done = self._call(args, given)
        if done.returncode:
            raise RepositoryError(f"{self.root}: git {args[0]}: {done.stderr.decode('utf-8', 'replace').strip()}")
        return done.stdout

    def try_run(self, *args: str) -> bytes | None:
        """Run one command and return what it prints, or None when it says no."""
        done = self._call(args, b"")
        return None if done.returncode else done.stdout

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """Start a command that is talked to through its pipes."""
        return subprocess.Popen(  # noqa: S603 - a fixed program, arguments as a list
            self._command(args), env=self._environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def _call(self, args: tuple[str, ...], given: bytes) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(  # noqa: S603 - a fixed program, arguments as a list
                self._command(args),
                env=self._environment(),
                input=given,
                capture_output=True,
                timeout=_LIMIT_S,
                check=False,
            )
        except FileNotFoundError:
            raise RepositoryError("There is no git program on PATH. Install git.") from None
        except subprocess.TimeoutExpired:
            raise RepositoryError(f"{self.root}: git {args[0]} took more than {_LIMIT_S} s. Look for a lock.") from None

    def _command(self, args: tuple[str, ...]) -> list[str]:
        # A checkout that another user owns, as in containers, is still the one that we were told to read.
        settings = (*_SETTINGS, f"safe.directory={self.root.resolve()}")
        return ["git", "-C", str(self.root), *(word for setting in settings for word in ("-c", setting)), *args]

    def _environment(self) -> dict[str, str]:
        """Start from nothing: inside a git hook GIT_DIR and GIT_INDEX_FILE would lead elsewhere."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            **self._extra,
        }


class Blobs:
    """Reads many objects through one process."""

    def __init__(self, git: GitProcess) -> None:
        self._process = git.start("cat-file", "--batch")
        self._into = cast("IO[bytes]", self._process.stdin)
        self._out = cast("IO[bytes]", self._process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=_LIMIT_S)

    def read(self, blob: str) -> bytes:
        """Return an object's bytes.

        Raises:
            RepositoryError: the repository does not hold it.
        """
        self._into.write(blob.encode() + b"\n")
        self._into.flush()
        head = self._out.readline().split()
        if len(head) != 3:  # noqa: PLR2004 - name, type and size; anything else is a refusal
            raise RepositoryError(f"git: object {blob} is missing. Fetch the whole repository, not a part of it.")
        content = self._out.read(int(head[2]))
        self._out.read(1)
        return content
