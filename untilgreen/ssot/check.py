"""What deviates from the declared registry now."""

from __future__ import annotations

from pathlib import Path

from untilgreen.errors import ConfigError
from untilgreen.model.document import Document
from untilgreen.settings import FILE, Settings, parse
from untilgreen.ssot.deviation import Deviation, contexts_of
from untilgreen.ssot.files import product_texts
from untilgreen.ssot.modules import Code
from untilgreen.ssot.registry import declared, usable
from untilgreen.ssot.suggest import Suggestion, as_yaml, suggest
from untilgreen.ssot.survey import survey


class Place(Document):
    """One place that deviates."""

    rule: str
    """`sink`, `banned`, `constant` or `env`."""
    entry: str
    """The entry of the registry."""
    place: str
    """`path:line`."""
    message: str
    sure: bool
    """False when the source alone does not tell."""


class Checked(Document):
    """A working tree held against its registry. There is no score: each place is right or is not."""

    registry: str
    """The file that it stands in."""
    entries: int
    files: int
    deviations: tuple[Place, ...]
    unreadable: tuple[str, ...] = ()
    """Files that are no Python, with line and reason: nobody knows whether they deviate."""

    @property
    def exit_code(self) -> int:
        """Return 4 when something could not be read, 1 when something surely deviates, 0 otherwise."""
        if self.unreadable:
            return 4
        return 1 if any(place.sure for place in self.deviations) else 0


def check(root: Path) -> Checked:
    """Hold the files of a repository, as they lie there, against the registry that it declares.

    Raises:
        ConfigError: there is no registry, it cannot be read, or it names what does not exist.
    """
    settings = read_settings(root)
    code = Code(product_texts(root, settings))
    found = usable(settings, _documents(root, settings), code)
    if found.registry.empty:
        raise ConfigError(f"{root / found.file}: no registry yet. `untilgreen ssot suggest` begins one.")
    registry = found.registry
    return Checked(
        registry=found.file,
        entries=len(registry.canonical) + len(registry.banned) + len(registry.constants) + len(registry.env),
        files=len(code.texts),
        deviations=tuple(_place(deviation) for deviation in survey(registry, code, contexts_of(settings)).deviations),
        unreadable=_unreadable(code),
    )


class Suggested(Document):
    """A registry that one could begin with."""

    files: int
    suggestions: tuple[Suggestion, ...]
    yaml: str
    """The same, ready to be pasted."""
    unreadable: tuple[str, ...] = ()


def suggested(root: Path) -> Suggested:
    """Look through the files of a repository, as they lie there, for what could have one home.

    Raises:
        ConfigError: its settings cannot be used.
    """
    settings = read_settings(root)
    code = Code(product_texts(root, settings))
    found = suggest(code, settings, declared(settings, _documents(root, settings)).registry)
    return Suggested(
        files=len(code.texts),
        suggestions=found,
        yaml=as_yaml(found),
        unreadable=_unreadable(code),
    )


def _unreadable(code: Code) -> tuple[str, ...]:
    return tuple(f"{path}:{why.line} {why.problem}" for path, why in code.unreadable.items())


def read_settings(root: Path) -> Settings:
    """Return a repository's settings.

    Raises:
        ConfigError: there are none, or they cannot be used.
    """
    file = root / FILE
    if not file.is_file():
        raise ConfigError(f"{file}: not there. `untilgreen init` writes a first one; --repo names another repository.")
    return parse(file.read_text("utf-8"))


def _documents(root: Path, settings: Settings) -> dict[str, str]:
    names = [FILE, *([settings.ssot.file] if settings.ssot.file else [])]
    return {name: (root / name).read_text("utf-8") for name in names if (root / name).is_file()}


def _place(deviation: Deviation) -> Place:
    return Place(
        rule=deviation.sort,
        entry=deviation.entry,
        place=deviation.where,
        message=deviation.message,
        sure=deviation.sure,
    )
