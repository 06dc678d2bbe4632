"""Which Python an image runs, and what says so."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from untilgreen.build import dockerfile
from untilgreen.settings import FILE, Service, SnapshotBuilder

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"

_IMAGE = re.compile(r"(?:^|/|:|-)python:?(\d+\.\d+)")
_VERSION = re.compile(r"(\d+\.\d+)")
_BOUND = re.compile(r"(?:>=|~=|==|\^|~)\s*(3\.\d+)")


@dataclass(frozen=True)
class Python:
    """A version of Python.

    Attributes:
        version: for example `3.11`.
        source: what says so.
        sure: False when nothing does and ours stands in for it.
    """

    version: str
    source: str
    sure: bool = True


def python_of(service: str, wanted: Service, texts: Mapping[str, str]) -> Python:
    """Tell an image's Python: from the settings, else the Dockerfile, else the files that tools read it from.

    Args:
        service: its name.
        wanted: its settings.
        texts: path in the build context -> text.
    """
    if wanted.python:
        return Python(wanted.python, f"{FILE}: services.{service}.python")
    for source, version in _told(texts):
        if version:
            return Python(version, source)
    if isinstance(wanted.builder, SnapshotBuilder):
        return Python(OWN, "the emulator's own Python")
    return Python(OWN, "untilgreen's own Python, for want of a better one", sure=False)


def _told(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield dockerfile.NAME, _found(_IMAGE, dockerfile.last_stage(texts.get(dockerfile.NAME, ""), ()).base)
    yield ".python-version", _found(_VERSION, texts.get(".python-version", ""))
    yield "runtime.txt", _found(_VERSION, texts.get("runtime.txt", ""))
    yield "pyproject.toml, the oldest that it allows", _found(_BOUND, _required(texts.get("pyproject.toml", "")))


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _required(text: str) -> str:
    """Return what a pyproject says of Python; one that cannot be read says nothing."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return ""
    poetry = data.get("tool", {}).get("poetry", {}).get("dependencies", {}).get("python", "")
    return str(data.get("project", {}).get("requires-python", "") or poetry)
