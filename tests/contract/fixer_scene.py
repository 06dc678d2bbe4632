"""A small repository with a fault, and a program that is asked to mend it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.unit.review_scene import bundle, chain, quote, raised
from untilgreen.adapters.command_fixer import CommandFixer
from untilgreen.adapters.git import Git
from untilgreen.collect.bundle import Bundle
from untilgreen.fix.quarantine import Bounds
from untilgreen.model.analysis import Analysis
from untilgreen.model.claims import CodeDefect

FILES = {
    "web/app.py": "import json\n\n\ndef price(item):\n    return {'tea': 30}[item]\n",
    "web/dos.txt": "one\r\ntwo\r\n",
    "web/read.md": "one\ntwo\n",
    "web/image.bin": "\0\1\2",
    "web/run.sh": "#!/bin/sh\n",
    "e2e/test_app.py": "def test_price():\n    assert 1\n",
    "untilgreen.yaml": "services:\n  web: {source: web, image: r/web}\n",
    ".gitignore": ".untilgreen/\n*.log\n",
    ".gitattributes": "*.md text eol=crlf\n*.py filter=evil\n",
}
SEEN = raised("KeyError", "/app/app.py", 5, "price")
CAUSE: Analysis = chain(CodeDefect(path="web/app.py", line=5, symbol="price"), cite={1: (quote(SEEN),)})
EVIDENCE: Bundle = bundle(SEEN)


def git(root: Path, *words: str) -> str:
    """Run git as the user would."""
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@shop.test")
    done = subprocess.run(["git", *who, *words], cwd=root, env=env, check=True, capture_output=True, text=True)  # noqa: S607 - git is what is tested
    return done.stdout.strip()


def repository(root: Path) -> Path:
    """Make the repository, with a hook and a setting that must not change, and a file that is not committed."""
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "begin")
    git(root, "config", "filter.evil.clean", "false")
    (root / "notes.txt").write_text("mine\n")
    hook = root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    return root


def fixer(
    root: Path, script: str, *, seconds: float = 20, bounds: Bounds | None = None, **more: object
) -> CommandFixer:
    """Return a fixer that runs a Python script."""
    command = (sys.executable, "-S", "-c", script, "{evidence}", "{clone}", "{brief}")
    history = Git(root)
    return CommandFixer(
        history,
        history.resolve("HEAD"),
        EVIDENCE,
        command,
        timeout_s=seconds,
        bounds=bounds or Bounds(),
        **more,  # type: ignore[arg-type]  # as its signature has them
    )
