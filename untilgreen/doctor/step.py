"""All checks in the order in which a person wants to hear of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from untilgreen.doctor.cloud_rules import apis_answer, cloud_is_reached, secrets_are_usable
from untilgreen.doctor.facts import Facts, Unseen
from untilgreen.doctor.findings import Area, Examination, Finding, Remark, Result
from untilgreen.doctor.project_rules import (
    contexts_can_be_built,
    disk_has_room,
    environment_is_tight,
    git_is_there,
    interpreter_has_pytest,
    server_answers,
    settings_are_usable,
    tests_are_collected,
    tree_is_committed,
)

Part = TypeVar("Part")


@dataclass(frozen=True)
class Check(Generic[Part]):
    """One part of the facts and the rule that reads it.

    Attributes:
        name: what people call it.
        area: who has to mend it.
        part: takes it out of the facts.
        rule: says what is seen and what to do.
    """

    name: str
    area: Area
    part: Callable[[Facts], Part | Unseen]
    rule: Callable[[Part], Iterable[Remark]]


CHECKS: tuple[Check[Any], ...] = (
    Check("git", Area.PROJECT, lambda facts: facts.git, git_is_there),
    Check("repository", Area.PROJECT, lambda facts: facts.repository, tree_is_committed),
    Check("settings", Area.PROJECT, lambda facts: facts.settings, settings_are_usable),
    Check("build", Area.PROJECT, lambda facts: facts.build, contexts_can_be_built),
    Check("interpreter", Area.PROJECT, lambda facts: facts.interpreter, interpreter_has_pytest),
    Check("tests", Area.PROJECT, lambda facts: facts.collection, tests_are_collected),
    Check("prefect", Area.PROJECT, lambda facts: facts.server, server_answers),
    Check("environment", Area.PROJECT, lambda facts: facts.environment, environment_is_tight),
    Check("disk", Area.PROJECT, lambda facts: facts.disk, disk_has_room),
    Check("cloud", Area.CLOUD, lambda facts: facts.cloud, cloud_is_reached),
    Check("apis", Area.CLOUD, lambda facts: facts.apis, apis_answer),
    Check("secrets", Area.CLOUD, lambda facts: facts.secrets, secrets_are_usable),
)


def judge(facts: Facts, repository: str) -> Examination:
    """Apply every check to what was seen."""
    return Examination(repository=repository, findings=tuple(_findings(facts)))


def _findings(facts: Facts) -> Iterator[Finding]:
    for check in CHECKS:
        part = check.part(facts)
        remarks = [_not_checked(part)] if isinstance(part, Unseen) else check.rule(part)
        for remark in remarks:
            yield Finding(check=check.name, area=check.area, **remark.model_dump())


def _not_checked(part: Unseen) -> Remark:
    return Remark(result=Result.NOT_CHECKED, seen=part.why)
