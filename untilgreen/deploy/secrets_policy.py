"""How strict a project is about its secrets: a part of the settings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from untilgreen.model.document import Document

Excusable = Literal["empty", "white_space", "placeholder", "too_short", "wrong_environment", "plain", "unequal"]
"""Secret problems that a project may know better about. What is missing or denied cannot be excused."""

Member = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.\w+$")]


class SecretSettings(Document):
    """How strictly secrets are checked before a rollout. The checks themselves are always on."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    environment: str = ""
    """What the label of each secret that has one must say, for example `staging`; empty asks for nothing."""
    environment_label: str = "env"
    """Which label that is."""
    minimum_length: int = Field(default=8, ge=1)
    """Fewer characters can be tried out."""
    require_pinned: bool = False
    """Whether `latest` is refused. By default it is told: what runs then depends on when an instance starts."""
    require_values: bool = False
    """Whether a value that the deployer may not read is refused, because nobody has looked at it."""
    require_access: bool = False
    """Whether it is refused that nobody can tell if the runtime account may read a secret. By default it is told, and
    Cloud Run's own check decides: it keeps the old revision serving."""
    shared: tuple[tuple[Member, ...], ...] = ()
    """Groups of `service.ENV` that must be given the same value. One secret that services bind in different versions
    is compared by itself."""
    excused: dict[str, tuple[Excusable, ...]] = {}
    """Secret, or `service.ENV` -> what is told of it instead of refused: `database-user: [too_short]`."""
