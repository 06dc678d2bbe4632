"""Build contexts: a service's files of the exported commit, and which of them the ignore files leave."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from untilgreen.build import dockerfile
from untilgreen.build.gitrules import GCLOUD_FILE, GIT_FILE, parse_git_rules, split_by_git_rules
from untilgreen.build.ignore import IGNORE_FILE, parse_rules, split
from untilgreen.errors import ConfigError
from untilgreen.model.delivery import Exclusion
from untilgreen.settings import FILE, CommandBuilder, PrebuiltImage, Service


@dataclass(frozen=True)
class BuildContext:
    """A service's build context on disk.

    Attributes:
        service: its name.
        source: relative to the repository's root; empty for the root itself.
        folder: where it lies.
        kept: files that the ignore files leave, relative to it.
        excluded: the others, with the rule.
    """

    service: str
    source: str
    folder: Path
    kept: tuple[str, ...]
    excluded: tuple[Exclusion, ...]

    def in_repository(self, path: str) -> str:
        """Return a path of the context relative to the repository's root."""
        return f"{self.source}/{path}" if self.source else path


def context_of(export: Path, service: str, wanted: Service, commit: str) -> BuildContext:
    """Find a service's build context in an exported commit.

    Raises:
        ConfigError: the commit has no such folder, or an ignore file cannot be read.
    """
    folder = export / wanted.source
    if not folder.resolve().is_relative_to(export.resolve()):
        raise ConfigError(
            f"{FILE}: services.{service}.source: {wanted.source!r} leads out of the repository. Correct it."
        )
    if not folder.is_dir():
        if isinstance(wanted.builder, PrebuiltImage):
            return BuildContext(service, wanted.source, folder, (), ())
        raise ConfigError(
            f"{FILE}: services.{service}.source: commit {commit[:12]} has no folder {wanted.source!r}. "
            f"Correct the path, or commit the folder."
        )
    source = PurePosixPath(wanted.source).as_posix().removeprefix(".").strip("/")
    kept, excluded = sorted_out(folder, source, wanted, context_files(folder))
    return BuildContext(service, source, folder, tuple(kept), tuple(excluded))


def sorted_out(folder: Path, source: str, wanted: Service, paths: list[str]) -> tuple[list[str], list[Exclusion]]:
    """Part paths of a context into those that the builder takes and those that an ignore file keeps out.

    Raises:
        ConfigError: an ignore file cannot be read.
    """
    excluded: list[Exclusion] = []
    if _uses_gcloud(wanted):
        paths, excluded = _uploaded(folder, source, paths)
    kept, more = _sent(folder, source, paths)
    return kept, [*excluded, *more]


def context_files(folder: Path) -> list[str]:
    """Return all files and links of a build context, relative to it, sorted."""
    found = []
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        found += [Path(place, name).relative_to(folder).as_posix() for name in [*files, *links]]
    return sorted(found)


def _sent(folder: Path, source: str, paths: list[str]) -> tuple[list[str], list[Exclusion]]:
    """Apply Docker's ignore file; one beside the Dockerfile with its name goes first."""
    own = f"{dockerfile.NAME}{IGNORE_FILE}"
    name = own if (folder / own).is_file() else IGNORE_FILE
    rule_file = f"{source}/{name}".lstrip("/")
    return split(paths, parse_rules(_read(folder, name) or "", rule_file), rule_file)


def _uploaded(folder: Path, source: str, paths: list[str]) -> tuple[list[str], list[Exclusion]]:
    """Apply gcloud's ignore file; without one gcloud takes the one of git."""
    name = next((name for name in (GCLOUD_FILE, GIT_FILE) if (folder / name).is_file()), GCLOUD_FILE)
    rule_file = f"{source}/{name}".lstrip("/")
    rules = parse_git_rules(_read(folder, name) or "", rule_file, lambda other: _read(folder, other))
    return split_by_git_rules(paths, rules)


def _uses_gcloud(wanted: Service) -> bool:
    if not isinstance(wanted.builder, CommandBuilder):
        return False
    command = wanted.builder.command
    words = shlex.split(command) if isinstance(command, str) else list(command)
    return any(word.rpartition("/")[2] == "gcloud" for word in words)


def _read(folder: Path, name: str) -> str | None:
    """Return the text of a file of the context; None when there is none, or it lies outside."""
    file = folder / name
    inside = file.resolve().is_relative_to(folder.resolve())
    return file.read_text("utf-8", "replace") if inside and file.is_file() else None
