"""Settings: what has one home in this repository, and what must go through it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from untilgreen.settings.part import Part

_FILE = r"[^:\s/][^:]*\.py"
_NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"


def _symbol(text: str) -> str:
    if not re.fullmatch(f"{_FILE}:{_NAME}", text):
        raise ValueError("write it as path/from/the/root.py:name")
    return text


def _callee(text: str) -> str:
    if not re.fullmatch(f"(?:{_FILE}:)?{_NAME}", text):
        raise ValueError("write it as path.py:name, as module.name, or as a bare name")
    return text


Symbol = Annotated[str, AfterValidator(_symbol)]
"""A function, class or constant of the repository: `services/web/wire.py:safe_dumps`."""

Callee = Annotated[str, AfterValidator(_callee)]
"""A symbol, an imported name such as `json.dumps`, or a bare name such as `send_json`, on whatever object."""


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _named(value: object) -> object:
    return {"call": value} if isinstance(value, str) else value


Homes = Annotated[tuple[Annotated[str, Field(pattern=r"\.py$")], ...], Field(min_length=1)]


class Sink(Part):
    """A call whose arguments must come from the canonical function."""

    call: Callee
    """A symbol, an imported name, or a bare name: `send_json` is every call of that name, on whatever object."""
    arguments: tuple[int | str, ...] = ()
    """Positions from 0, and names of keywords. Empty: all of them."""


class Canonical(Part):
    """What one function of the repository is there for."""

    replaces: tuple[Callee, ...] = ()
    """Functions and primitives that nobody else should call: `json.dumps`. Free in the file of the canonical one."""
    sinks: tuple[Annotated[Sink, BeforeValidator(_named)], ...] = ()
    """Calls whose arguments must come from it; a name alone means all arguments. Literals are fine."""
    allowed: tuple[str, ...] = ()
    """Shell patterns of paths where none of this holds, for example `tools/*`."""
    why: str = ""
    """Shown with each finding: what goes wrong without it."""


def _homes(value: Any) -> Any:
    return {name: _one_or_more(homes) for name, homes in value.items()} if isinstance(value, dict) else value


class Registry(Part):
    """What has one home. Kept short: a person has to agree with each line. `untilgreen ssot suggest` begins one."""

    canonical: dict[Symbol, Canonical] = {}
    """Function of this repository, as `path.py:name` -> what goes through it."""
    banned: dict[Callee, str] = {}
    """Primitive that nobody should call -> what to do instead."""
    constants: Annotated[dict[str, Homes], BeforeValidator(_homes)] = {}
    """Name of a constant -> the file that defines it; a list where each service has a copy on purpose."""
    env: Annotated[dict[str, Homes], BeforeValidator(_homes)] = {}
    """Environment variable -> the file that reads it; a list where several services get it."""

    @property
    def empty(self) -> bool:
        """Tell whether nothing is declared."""
        return not (self.canonical or self.banned or self.constants or self.env)


class SsotSettings(Registry):
    """What has one home: here, or in a file of its own."""

    file: str = ""
    """A YAML file with what would stand here, relative to the repository's root; then nothing else stands here."""

    @model_validator(mode="after")
    def _one_home(self) -> Self:
        if self.file and not self.empty:
            raise ValueError(f"the registry stands here and in {self.file}; keep one of them")
        return self
