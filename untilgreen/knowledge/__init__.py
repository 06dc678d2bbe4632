"""What the field knows about codes, platform texts and exceptions: data that a team extends without code."""

from __future__ import annotations

import re
import tomllib
from functools import cache, cached_property
from importlib.resources import files

from pydantic import ValidationError, field_validator

from untilgreen.errors import ConfigError
from untilgreen.model.document import Document
from untilgreen.ports.repository import History


class Meaning(Document):
    """What a code says."""

    family: str
    """What the walk acts upon: refusal, missing, gateway, fault, quota, request, state, well ..."""
    meaning: str
    """For people: a clause without a full stop."""


class Known(Meaning):
    """A text that is recognised wherever it stands."""

    pattern: str
    """Regular expression; case does not matter."""

    @field_validator("pattern")
    @classmethod
    def _is_regular(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return pattern

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE)

    def fits(self, text: str) -> bool:
        """Tell whether it stands in a text."""
        return bool(self._compiled.search(text))


class Knowledge(Document):
    """All of it. The first entry that fits decides, and a team's own come before ours."""

    statuses: dict[int, Meaning] = {}
    """HTTP."""
    close_codes: dict[int, Meaning] = {}
    """WebSocket."""
    platform: tuple[Known, ...] = ()
    """Texts that only the platform writes."""
    exceptions: tuple[Known, ...] = ()
    """Read as `Name message`."""

    def status(self, status: int | None) -> Meaning:
        """Return what an HTTP status says; an unknown one belongs to no family."""
        return self.statuses.get(status or 0, _UNKNOWN)

    def close_code(self, code: int | None) -> Meaning:
        """Return what a close code says; none at all is a good end."""
        return self.close_codes.get(code or 1000, _UNKNOWN)

    def platform_says(self, text: str, family: str) -> bool:
        """Tell whether a line of the platform is of a family."""
        return any(known.family == family and known.fits(text) for known in self.platform)

    def exception_is(self, name: str, message: str, family: str) -> bool:
        """Tell whether an exception is of a family; it may be of several."""
        said = f"{name} {message}"
        return any(known.family == family and known.fits(said) for known in self.exceptions)

    def with_more(self, own: Knowledge) -> Knowledge:
        """Put a team's own entries before these."""
        return Knowledge(
            statuses={**self.statuses, **own.statuses},
            close_codes={**self.close_codes, **own.close_codes},
            platform=(*own.platform, *self.platform),
            exceptions=(*own.exceptions, *self.exceptions),
        )


_UNKNOWN = Meaning(family="", meaning="")


@cache
def default() -> Knowledge:
    """Return what comes with the program."""
    return parse(files(__name__).joinpath("default.toml").read_text("utf-8"), "default.toml")


def parse(text: str, name: str) -> Knowledge:
    """Read knowledge from TOML.

    Raises:
        ConfigError: it is no TOML, or holds something else; says where and what.
    """
    try:
        return Knowledge.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: this is not TOML: {error}. Mend the line.") from None
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(str(part) for part in wrong["loc"])
        raise ConfigError(f"{name}: {where}: {wrong['msg']}. See untilgreen/knowledge/default.toml.") from None


def read(history: History, commit: str, path: str) -> str:
    """Return what a commit adds to what everybody knows; nothing for an empty path.

    Raises:
        ConfigError: there is no such file, or it cannot be used.
    """
    if not path:
        return ""
    text = history.read(commit, path)
    if text is None:
        raise ConfigError(f"knowledge: commit {commit[:12]} has no {path}. Commit it, or correct the path.")
    parse(text, path)
    return text
