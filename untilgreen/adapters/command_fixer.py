"""Fixes by any program: a coding agent or a script, in a disposable copy of the repository.

It gets a folder with the cause and its evidence, and a copy of the tested commit to change. It does not get the user's
repository, home, or credentials, and nothing that it does to git counts: our own git compares the files afterwards.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from untilgreen.collect.bundle import Bundle
from untilgreen.errors import FixUnusable, RepositoryError
from untilgreen.fix.brief import ANSWER, BRIEF, write_case
from untilgreen.fix.fingerprint import fix_id
from untilgreen.fix.quarantine import Bounds, taken_over
from untilgreen.model.analysis import Analysis, Finding, Fix, Truth
from untilgreen.model.document import Document
from untilgreen.ports import History
from untilgreen.redaction.credentials import scrub_credentials

_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What a program needs to run. HOME is its own: ours holds keys."""
_NO_CLOUD = {"GCE_METADATA_HOST": "127.0.0.1:9", "NO_GCE_CHECK": "true", "GIT_TERMINAL_PROMPT": "0"}
"""On a machine in the cloud the metadata server hands out tokens to whoever asks."""
_WHO = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
_COOKIE = "UNTILGREEN_FIXER"
_KEPT = 200_000
"""Bytes of its output that are kept: the last ones."""
_LARGEST = 1_000_000_000
"""Bytes of any file that it may write; a program gone wild must not fill the disk."""
_ANSWER = 10_000


class Answer(Document):
    """What a fixer may say of its fix."""

    title: str = ""
    breaks: str = ""


class CommandFixer:
    """Asks a program.

    Args:
        history: the user's repository.
        commit: what was tested.
        bundle: the evidence of the same cycle.
        command: words; `{evidence}` and `{clone}` stand for the folders, `{brief}` for the path of EVIDENCE.md, which
            is its standard input as well.
        pass_env: names of further environment variables that it is given, for example a key of its own.
        timeout_s: longest time that it may take.
        bounds: what it may change.
        keep: is told the analysis' id and what the program printed, redacted.
        redactor: what must not be kept.
    """

    def __init__(
        self,
        history: History,
        commit: str,
        bundle: Bundle,
        command: tuple[str, ...],
        *,
        pass_env: tuple[str, ...] = (),
        timeout_s: float = 1200,
        bounds: Bounds = Bounds(),  # noqa: B008 - frozen
        keep: Callable[[str, str], None] = lambda _name, _text: None,
        redactor: Callable[[str], str] = scrub_credentials,
    ) -> None:
        self._history = history
        self._commit = commit
        self._bundle = bundle
        self._command = command
        self._pass_env = pass_env
        self._timeout_s = timeout_s
        self._bounds = bounds
        self._keep = keep
        self._redactor = redactor

    def propose(self, analysis: Analysis) -> tuple[Fix, ...]:
        """Let the program work on one cause.

        Raises:
            FixUnusable: it fails, takes too long, changes nothing, or makes what is not taken over.
        """
        before = self._history.state()
        with tempfile.TemporaryDirectory(prefix="untilgreen-fixer-", ignore_cleanup_errors=True) as name:
            bench = _furnish(Path(name), self._history, self._commit)
            write_case(bench / "evidence", analysis, self._bundle)
            self._work(bench, analysis)
            diff = taken_over(self._history.harvest(self._commit, bench / "clone"), self._bounds)
            said = _answer(bench / "evidence" / ANSWER)
        after = self._history.state()
        touched = sorted(part for part in after if after[part] != before.get(part))
        return (self._fix(analysis, diff, said, touched),)

    def _work(self, bench: Path, analysis: Analysis) -> None:
        places = {"{evidence}": bench / "evidence", "{clone}": bench / "clone", "{brief}": bench / "evidence" / BRIEF}
        words = [_filled(word, places) for word in self._command]
        output = bench / "output"
        try:
            code = _run(words, bench, self._pass_env, output, self._timeout_s)
        finally:
            said = self._redactor(_tail(output))
            self._keep(analysis.id, said)
        if code:
            last = said.strip().rpartition("\n")[2][:300] or "it said nothing"
            raise FixUnusable("fixer.failed", f"{words[0]} ended with exit code {code}: {last}")

    def _fix(self, analysis: Analysis, diff: str, said: Answer, touched: list[str]) -> Fix:
        leaf = analysis.leaf.claim
        name = Path(self._command[0]).name
        message = f"while {name} worked, your repository changed: {', '.join(touched)}. Was that you?"
        doubt = Finding(rule="fixer.outside", truth=Truth.UNPROVEN, message=message)
        return Fix(
            id=fix_id(diff),
            author=name,
            title=" ".join(self._redactor(said.title).split())[:120] or f"Mend {leaf.type} {leaf.subject}",
            analysis=analysis.id,
            breaks=" ".join(said.breaks.split()) or f"{leaf.type} {leaf.subject}",
            diff=diff,
            doubts=(doubt,) if touched else (),
        )


def _furnish(place: Path, history: History, commit: str) -> Path:
    """Lay out the bench: a copy to change, a home, a place for scratch files."""
    for name in ("home", "tmp"):
        (place / name).mkdir()
    try:
        history.clone(commit, place / "clone")
    except RepositoryError as error:
        raise FixUnusable("fixer.clone", f"no copy of the repository could be made: {error}") from None
    return place


def _filled(word: str, places: dict[str, Path]) -> str:
    for name, path in places.items():
        word = word.replace(name, str(path))
    return word


def _run(words: list[str], bench: Path, pass_env: tuple[str, ...], output: Path, timeout_s: float) -> int:
    """Run it to its end or its time, and leave nothing of it behind."""
    cookie = secrets.token_hex(16)
    env = {key: os.environ[key] for key in (*_INHERITED, *pass_env) if key in os.environ}
    env |= {"HOME": str(bench / "home"), "TMPDIR": str(bench / "tmp"), "GIT_CEILING_DIRECTORIES": str(bench)}
    env |= {**_NO_CLOUD, **dict.fromkeys(_WHO, "fixer"), _COOKIE: cookie}
    with output.open("wb") as out, (bench / "evidence" / BRIEF).open("rb") as brief:
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
                words, cwd=bench / "clone", env=env, stdin=brief, stdout=out, stderr=out, start_new_session=True
            )
        except OSError as error:
            raise FixUnusable("fixer.start", f"{shlex.join(words)} cannot be started: {error.strerror}") from None
        try:
            _limit(process.pid)
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise FixUnusable("fixer.time", f"{words[0]} took longer than {timeout_s:g} s") from None
        finally:
            _end(process, cookie)


def _limit(pid: int) -> None:
    """Bound the files that it writes, where the system lets us."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - not there on every system

        with suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (_LARGEST, _LARGEST))


def _end(process: subprocess.Popen[bytes], cookie: str) -> None:
    """End its group, and whatever left the group but still carries the cookie."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    mark = f"{_COOKIE}={cookie}".encode()
    for _ in range(20):
        left = [pid for pid in _pids() if mark in _environ(pid)]
        if not left:
            return
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _pids() -> list[int]:
    """List all processes, on Linux."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()] if sys.platform == "linux" else []  # noqa: PTH208 - names only


def _environ(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _tail(file: Path) -> str:
    if not file.exists():
        return ""
    with file.open("rb") as source:
        source.seek(max(0, source.seek(0, os.SEEK_END) - _KEPT))
        return source.read().decode("utf-8", "replace")


def _answer(file: Path) -> Answer:
    """Read what it says of its fix; anything odd counts as silence."""
    if file.is_symlink() or not file.is_file() or file.stat().st_size > _ANSWER:
        return Answer()
    try:
        return Answer.model_validate(json.loads(file.read_bytes()))
    except ValueError:
        return Answer()
