"""Builds the demo's repository: two services that grew, commit by commit, until three of the commits broke something.

    python story.py TARGET

The files beside this one are the good state. `story/` holds what the commits changed, one patch each; a commit that
only brings new files needs none. The same files always give the same commit ids.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PATCHES = HERE / "story"

SHOWN = ("services", "e2e", "fixes", "recorded", "untilgreen.yaml", "staging.yaml", "pytest.ini", ".gitignore")
"""What the repository holds in the end."""

LITTER = shutil.ignore_patterns("__pycache__", "*.pyc", ".*_cache", ".untilgreen")


@dataclass(frozen=True)
class Step:
    """One commit.

    Attributes:
        at: when, in UTC.
        author: who.
        subject: the commit's first line.
        why: the rest of its message.
        brings: paths that appear with it; a folder brings whatever earlier steps have not brought.
        patch: what it changes in files that are there already.
        breaks: whether it brings a fault.
    """

    at: str
    author: str
    subject: str
    why: str
    brings: tuple[str, ...] = ()
    patch: str = ""
    breaks: bool = False


STEPS = (
    Step(
        at="2026-03-02T09:12:00Z",
        author="Ilse Brand",
        subject="Let auth issue tokens",
        why="People exchange a password for a token; other services may ask whose it is.",
        brings=(
            "services/auth",
            *("e2e/conftest.py", "e2e/people.py", "e2e/tampering.py", "e2e/requirements.txt", "e2e/test_login.py"),
            *("pytest.ini", ".gitignore"),
        ),
    ),
    Step(
        at="2026-03-03T14:40:00Z",
        author="Tomas Reuter",
        subject="Let people start agents and see how they are",
        why="Agents belong to who started them. Admins see those of others.",
        brings=(
            *(f"services/backend/{name}.py" for name in ("main", "routes", "api", "agents", "orders", "problems")),
            *(f"services/backend/{name}.py" for name in ("callers", "keys", "settings", "tokens", "wire", "log")),
            *(f"services/backend/{name}" for name in ("Procfile", "Dockerfile", ".dockerignore", "requirements.txt")),
            *(f"e2e/test_{name}.py" for name in ("health", "bearer", "start", "status", "list")),
            "e2e/orders.py",
        ),
    ),
    Step(
        at="2026-03-04T10:05:00Z",
        author="Tomas Reuter",
        subject="Stop and cancel agents",
        why="A stop may have a reason, a cancellation must.",
        brings=("e2e/test_stop.py", "e2e/test_cancel.py", "e2e/endings.py"),
        patch="03-stop-and-cancel.patch",
    ),
    Step(
        at="2026-03-05T08:30:00Z",
        author="Ilse Brand",
        subject="Deploy to staging with untilgreen",
        why="Images, accounts and secrets of both services, in one file.",
        brings=("untilgreen.yaml", "staging.yaml"),
    ),
    Step(
        at="2026-03-09T15:55:00Z",
        author="Noor Haddad",
        subject="Talk over a WebSocket",
        why="Clients show their token first, then ask, and listen to their agents. Staging lists slow ones.",
        brings=(
            *("services/backend/ws.py", "services/backend/topics.py"),
            *("e2e/test_ws_handshake.py", "e2e/test_ws_messages.py", "e2e/test_ws_agents.py"),
        ),
        patch="05-talk-over-a-websocket.patch",
    ),
    Step(
        at="2026-03-11T11:20:00Z",
        author="Ilse Brand",
        subject="Ask auth for permissions",
        why="A token may be an hour old. What its bearer may do is asked of auth, signed with the shared secret.",
        brings=("services/backend/identity.py", "services/backend/calls.py", "e2e/test_permissions.py"),
        patch="06-ask-auth-for-permissions.patch",
    ),
    Step(
        at="2026-03-12T16:10:00Z",
        author="Tomas Reuter",
        subject="Expect a thousand tests",
        why="If fewer are collected, something is wrong with the suite.",
        patch="07-expect-a-thousand-tests.patch",
    ),
    Step(
        at="2026-03-16T09:45:00Z",
        author="Tomas Reuter",
        subject="Group the routes by who may call them",
        why="One list for everyone, one for those who have signed in.",
        patch="08-group-routes.patch",
        breaks=True,
    ),
    Step(
        at="2026-03-16T13:25:00Z",
        author="Noor Haddad",
        subject="Take tokens apart without making lists",
        why="No change in what is accepted.",
        patch="09-take-tokens-apart.patch",
    ),
    Step(
        at="2026-03-17T10:35:00Z",
        author="Ilse Brand",
        subject="Refuse service calls that somebody has recorded",
        why="A signature stays right for ever. Calls say when they were made: a minute is enough.",
        patch="10-refuse-recorded-calls.patch",
        breaks=True,
    ),
    Step(
        at="2026-03-17T17:50:00Z",
        author="Noor Haddad",
        subject="Answer handshakes with plain json.dumps",
        why="They are the hottest messages, and flat: nothing in them needs converting.",
        patch="11-answer-handshakes-plainly.patch",
        breaks=True,
    ),
    Step(
        at="2026-03-18T08:15:00Z",
        author="Ilse Brand",
        subject="Offer fixes, and hear a second analyst",
        why="Fixes lie in fixes/, tried in the order of their names. capacity-bot's notes lie in recorded/.",
        brings=("fixes", "recorded"),
        patch="12-offer-fixes.patch",
    ),
)

FAULTS = tuple(step.patch for step in STEPS if step.breaks)


def build(target: Path, without: Collection[str] = ()) -> str:
    """Write the repository.

    Args:
        target: a folder that is empty or does not exist.
        without: names of patches to leave out: of `fixes/`, or of commits in FAULTS. Without all of FAULTS the
            repository ends in the good state.

    Returns:
        The sha of its last commit.

    Raises:
        ValueError: the target is not empty, or there is no such patch.
    """
    known = {*FAULTS, *(patch.name for patch in (HERE / "fixes").glob("*.patch"))}
    if unknown := set(without) - known:
        raise ValueError(f"no patch named {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    if target.exists() and any(target.iterdir()):
        raise ValueError(f"{target} is not empty; name a new folder")
    copy_good_state(target, without)
    git(target, "init", "--quiet", "--template=", "--initial-branch=main", "--object-format=sha1")
    rewind(target)
    for step in STEPS:
        if step.patch not in without:
            commit(target, step)
    return git(target, "rev-parse", "HEAD").strip()


def copy_good_state(target: Path, without: Collection[str]) -> None:
    """Copy what the repository will show, but for the fixes that are left out."""
    target.mkdir(parents=True, exist_ok=True)
    for name in SHOWN:
        source = HERE / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=LITTER)
        else:
            shutil.copyfile(source, target / name)
    for name in without:
        (target / "fixes" / name).unlink(missing_ok=True)


def rewind(target: Path) -> None:
    """Take back, newest first, what the commits changed; those that break things are not part of the good state."""
    for step in reversed(STEPS):
        if step.patch and not step.breaks:
            git(target, "apply", "--reverse", str(PATCHES / step.patch))


def commit(target: Path, step: Step) -> None:
    """Apply a step's patch and commit it with what it brings."""
    if step.patch:
        git(target, "apply", str(PATCHES / step.patch))
    git(target, "add", "--update")
    if step.brings:
        git(target, "add", "--force", "--", *step.brings)
    email = f"{step.author.split()[0].lower()}@agents.example"
    who = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in {"NAME": step.author, "EMAIL": email, "DATE": step.at}.items()
    }
    git(target, "commit", "--quiet", "--no-verify", "-m", step.subject, "-m", step.why, **who)


def git(target: Path, *args: str, **variables: str) -> str:
    """Run git in the target, untouched by the settings of whoever runs this.

    Raises:
        RuntimeError: git refused; the message is git's own.
    """
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    neutral = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    settings = ("-c", "core.autocrlf=false", "-c", "core.fileMode=false", "-c", "commit.gpgSign=false")
    done = subprocess.run(  # noqa: S603 - fixed program, no shell
        ["git", *settings, *args],  # noqa: S607 - whichever git the user has
        cwd=target,
        env={**inherited, **neutral, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"git {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python story.py TARGET")
    try:
        print(build(Path(sys.argv[1])))
    except (ValueError, RuntimeError) as problem:
        sys.exit(str(problem))
