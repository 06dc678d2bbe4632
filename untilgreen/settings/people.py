"""Settings: who proposes, who offers, who says yes, and when services go back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from untilgreen.settings.part import Part


class RecordedAnalyst(Part):
    """An analyst whose analyses lie in a file: another team's, an agent's, yesterday's."""

    kind: Literal["file"] = "file"
    """The default kind."""
    file: str
    """JSON, relative to the repository's root; its form stands in the demo's README."""


class CommandAnalyst(Part):
    """A program of your own: it reads a bundle of evidence and prints analyses."""

    kind: Literal["command"]
    """Chosen by name."""
    command: tuple[str, ...] = Field(min_length=1)
    """Its words, started without a shell in a folder of its own that holds a copy of the bundle. `{bundle}` stands for
    that folder. It prints a JSON list in the form of a recorded analysis."""
    pass_env: tuple[str, ...] = ()
    """Environment variables that it is given beside PATH, HOME and the locale, for example a key of its own."""
    timeout_s: float = Field(default=600, gt=0)
    """Ten minutes are long for an analyst and short for a night."""


class ModelAnalyst(Part):
    """A language model, through pydantic-ai (extra `model`). It proposes; the review judges it like anybody."""

    kind: Literal["model"]
    """Chosen by name."""
    model: str
    """As pydantic-ai names it, for example `anthropic:claude-sonnet-4-5`. Its key comes from the environment."""
    most_characters: int = Field(default=60_000, ge=1000)
    """So much evidence is shown to it for one group: more costs money and helps little."""
    timeout_s: float = Field(default=300, gt=0)
    """For one group."""


def _kind(value: object) -> str:
    """Return which analyst is meant; one without a kind is a file, as it was when there was no other."""
    return str(value.get("kind", "file") if isinstance(value, dict) else getattr(value, "kind", "file"))


AnalystSettings = Annotated[
    Annotated[RecordedAnalyst, Tag("file")]
    | Annotated[CommandAnalyst, Tag("command")]
    | Annotated[ModelAnalyst, Tag("model")],
    Discriminator(_kind),
]


_CLOUD = (
    *("GOOGLE_APPLICATION_", "GOOGLE_OAUTH", "CLOUDSDK_", "GCLOUD_", "GCE_METADATA"),
    *("AWS_", "AZURE_", "KUBECONFIG"),
)
"""Beginnings of names that stand for access to a cloud."""


class PatchQueue(Part):
    """Fixes that lie in a folder as patches, tried in the order of their names."""

    kind: Literal["patch_queue"] = "patch_queue"
    """The default kind."""
    folder: str
    """Relative to the repository's root. A patch names the cause that it removes in its header."""


class CommandFixer(Part):
    """A program of your own, such as a coding agent: it changes files in a disposable copy of the tested commit."""

    kind: Literal["command"]
    """Chosen by name."""
    command: tuple[str, ...] = Field(min_length=1)
    """Its words, started without a shell in the copy. `{evidence}` stands for a folder with EVIDENCE.md, analysis.json
    and evidence.jsonl, `{brief}` for the path of EVIDENCE.md, which is its standard input as well, `{clone}` for the
    copy."""
    pass_env: tuple[str, ...] = ()
    """Environment variables that it is given beside PATH and the locale, for example a key of its own. It has a HOME of
    its own. Cloud credentials cannot be passed."""
    timeout_s: float = Field(default=1200, gt=0)
    """For one cause. An agent that has found nothing in twenty minutes will not find it."""
    paths: tuple[str, ...] = ()
    """Globs of the files that it may change, for example `services/*`; empty allows all that the review allows."""

    @field_validator("pass_env")
    @classmethod
    def _no_cloud(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name.startswith(_CLOUD):
                raise ValueError(f"{name} gives access to the cloud, which a fixer must not have; remove it")
        return names


class SettingsFixer(Part):
    """The built-in fixer of settings: it gives a service back what it lacks, in untilgreen.yaml."""

    kind: Literal["settings"]
    """Chosen by name."""


def _fixer(value: object) -> str:
    """Return which fixer is meant; one without a kind is a queue, as it was when there was no other."""
    return str(value.get("kind", "patch_queue") if isinstance(value, dict) else getattr(value, "kind", "patch_queue"))


FixerSettings = Annotated[
    Annotated[PatchQueue, Tag("patch_queue")]
    | Annotated[CommandFixer, Tag("command")]
    | Annotated[SettingsFixer, Tag("settings")],
    Discriminator(_fixer),
]


class FixingSettings(Part):
    """How far fixing may go, and what happens to its commits."""

    most: int = Field(default=10, ge=1, le=100)
    """Fixes of one cycle. More than ten at once cannot be told apart when something breaks."""
    most_lines: int = Field(default=2_000, ge=1)
    """Lines that a fixer's change may have; larger ones are refused unread. The review asks a person long before."""
    attempts: int = Field(default=2, ge=1)
    """After so many fixes that did not help a cause, a person decides about every further one."""
    push: tuple[str, ...] = ()
    """Words of a command that is run in the repository after fixes were committed, without a shell: `[git, push,
    origin, "{branch}"]`. `{branch}`, `{commit}`, `{base}`, `{loop}` and `{cycle}` stand for what they say. When it
    fails, that is reported, and nothing else changes."""
    pull_request: tuple[str, ...] = ()
    """The same, run after a successful push until it has succeeded once in a loop. `{title}` and `{body}` too."""
    publish_env: tuple[str, ...] = ()
    """Environment variables that both get beside PATH, HOME, the locale and SSH_AUTH_SOCK, for example a token."""


class Approve(Part):
    """Who says yes before a fix is committed."""

    mode: Literal["policy", "ask", "never"] = "ask"
    """policy: what the review approves is applied. ask: a human decides. never: only report."""
    timeout_s: int = Field(default=86_400, ge=1)
    """How long a human may take; then nothing is changed. A day covers a night and a morning."""
    other_than_author: bool = False
    """Whether whoever approves must be somebody else than the author of the fix."""
    # Not `keys`: Prefect reads parameters by dict(), which takes that for a method.
    signed_by: dict[str, str] = {}
    """Approver -> public key, as `untilgreen approve --new-key` prints it. With any, every approval must be signed."""


class RollbackSettings(Part):
    """When services go back to the revision that was good before."""

    on_failure: bool = True
    """When a service cannot be deployed or is not healthy: half a rollout is worse than none."""
    when_worse: bool = False
    """When a cycle's tests pass less often than the one's before. Off: a loop wants to see and mend what fails."""


class StopSettings(Part):
    """When a loop gives up before it is green, beside max_cycles."""

    minutes: float | None = Field(default=None, gt=0)
    """Wall time, looked at after each cycle. None: as long as it takes."""
    budget: float | None = Field(default=None, gt=0)
    """Money, in the currency of `price_per_hour`. None: whatever it costs."""
    price_per_hour: float = Field(default=0, ge=0)
    """What an hour of a loop costs a team: instances, the worker, staging's databases."""
    no_progress: int = Field(default=3, ge=1)
    """Cycles without any cause resolved, improved or newly seen. One may be bad luck; three are a person's work."""
    broken: int = Field(default=2, ge=1)
    """Cycles in a row that could not be tested at all: the same rollout again would not change it."""
