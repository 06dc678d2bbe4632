"""What a user can set, in `untilgreen.yaml` at the root of their repository.

Unknown keys are errors. Every default has its reason beside it.
"""

from __future__ import annotations

from typing import Any, TypeVar

import yaml
from pydantic import Field, ValidationError

from untilgreen.deploy.secrets_policy import SecretSettings
from untilgreen.errors import ConfigError
from untilgreen.settings.notify import NotifySettings
from untilgreen.settings.part import Name, Part
from untilgreen.settings.people import (
    AnalystSettings,
    Approve,
    CommandAnalyst,
    CommandFixer,
    FixerSettings,
    FixingSettings,
    ModelAnalyst,
    PatchQueue,
    RecordedAnalyst,
    RollbackSettings,
    SettingsFixer,
    StopSettings,
)
from untilgreen.settings.services import (
    Builder,
    Cloud,
    CommandBuilder,
    HealthSettings,
    PrebuiltImage,
    Service,
    SnapshotBuilder,
)
from untilgreen.settings.ssot import Registry, SsotSettings
from untilgreen.settings.suite import Negative, Shards, SuiteSettings
from untilgreen.settings.value import FeatureValue, ValueSettings

__all__ = [
    "FILE",
    "AnalystSettings",
    "Approve",
    "Builder",
    "Cloud",
    "CommandAnalyst",
    "CommandBuilder",
    "CommandFixer",
    "FeatureValue",
    "FixerSettings",
    "FixingSettings",
    "HealthSettings",
    "ModelAnalyst",
    "Name",
    "Negative",
    "NotifySettings",
    "Part",
    "PatchQueue",
    "PrebuiltImage",
    "RecordedAnalyst",
    "Registry",
    "RollbackSettings",
    "SecretSettings",
    "Service",
    "Settings",
    "SettingsFixer",
    "Shards",
    "SnapshotBuilder",
    "SsotSettings",
    "StopSettings",
    "SuiteSettings",
    "ValueSettings",
    "in_order",
    "parse",
    "read_part",
]

FILE = "untilgreen.yaml"


class Settings(Part):
    """Everything a loop needs to know that is not a secret."""

    cloud: Cloud = Cloud()
    """Where services run."""
    services: dict[Name, Service] = Field(min_length=1)
    """Name on Cloud Run -> how it is built, deployed and known to be healthy. At least one."""
    secrets: SecretSettings = SecretSettings()
    """How strictly secrets are checked before anything is rolled out."""
    suite: SuiteSettings = SuiteSettings()
    """The e2e tests and how to run them."""
    value: ValueSettings = ValueSettings()
    """What the features are worth. Without it, nothing is said of money."""
    analysts: tuple[AnalystSettings, ...] = ()
    """Beside the built-in one."""
    knowledge: str = ""
    """A TOML file in the repository with codes, platform texts and exceptions of your own; its form is that of
    untilgreen/knowledge/default.toml."""
    fixers: tuple[FixerSettings, ...] = ()
    """Who may offer fixes. Without any, a loop ends after the first red cycle with its causes."""
    ssot: SsotSettings = SsotSettings()
    """What has one home in this repository, and what must go through it. Every fix is held against it."""
    fixing: FixingSettings = FixingSettings()
    """How far fixing may go, and what happens to its commits."""
    approve: Approve = Approve()
    """Who says yes before a fix is committed."""
    rollback: RollbackSettings = RollbackSettings()
    """When services go back to the revision that was good before."""
    max_cycles: int = Field(default=5, ge=1, le=50)
    """A loop that has not become green after five fixes needs a person."""
    stop: StopSettings = StopSettings()
    """When a loop gives up earlier."""
    notify: NotifySettings = NotifySettings()
    """Who is told when something changes."""


def parse(text: str, name: str = FILE) -> Settings:
    """Read settings from YAML.

    Raises:
        ConfigError: with file, line, and what to do, for each thing that is wrong.
    """
    return _checked(read_part(Settings, text, name), name)


Kind = TypeVar("Kind", bound=Part)


def read_part(kind: type[Kind], text: str, name: str) -> Kind:
    """Read one part of the settings, or all of them, from a YAML file of its own.

    Raises:
        ConfigError: with file, line, and what to do, for each thing that is wrong.
    """
    try:
        data = yaml.safe_load(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        raise ConfigError(f"{where}: this is not YAML: {getattr(error, 'problem', error)}. Mend the line.") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{name}: it must hold settings such as `{next(iter(kind.model_fields))}:`. {_HELP}")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problems = [_sentence(name, node, problem) for problem in error.errors()]
        raise ConfigError("\n".join(problems)) from None


_HELP = "`untilgreen init` writes a first one."


def _checked(settings: Settings, name: str) -> Settings:
    """Refuse references to services that do not exist, and dependencies that go round."""
    known = set(settings.services)
    for service, wanted in settings.services.items():
        for other in wanted.depends_on:
            if other not in known:
                raise ConfigError(
                    f"{name}: services.{service}.depends_on names {other!r}, which is not a service here."
                )
    for member in (member for group in settings.secrets.shared for member in group):
        if member.partition(".")[0] not in known:
            raise ConfigError(f"{name}: secrets.shared names {member!r}, whose service is not one here.")
    in_order(settings)
    return settings


def in_order(settings: Settings) -> tuple[str, ...]:
    """Return the services so that each comes after those it depends on."""
    done: list[str] = []

    def visit(service: str, path: tuple[str, ...]) -> None:
        if service in path:
            raise ConfigError(f"{FILE}: depends_on goes round: {' -> '.join((*path, service))}. Remove one.")
        if service not in done:
            for other in settings.services[service].depends_on:
                visit(other, (*path, service))
            done.append(service)

    for service in settings.services:
        visit(service, ())
    return tuple(done)


def _sentence(name: str, node: Any, problem: Any) -> str:
    """Say where, what, and what to do about one problem."""
    path = ".".join(str(part) for part in problem["loc"])
    line = _line(node, problem["loc"])
    what = {
        "extra_forbidden": "no such setting; remove it or correct its spelling",
        "missing": "this setting is needed; add it",
        "unshown": problem["msg"],
    }.get(problem["type"], f"{problem['msg']}, not {problem['input']!r}")
    return f"{name}:{line}: {path}: {what}"


def _line(node: Any, location: tuple[Any, ...]) -> int:
    """Return the line, from 1, of the deepest node on the way to a setting."""
    line = node.start_mark.line
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == part), None)
            if not found:
                break
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line
    return int(line) + 1
