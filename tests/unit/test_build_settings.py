"""Settings of builders, and who is picked for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from untilgreen.errors import BuildFailed, ConfigError
from untilgreen.settings import Builder, CommandBuilder, PrebuiltImage, SnapshotBuilder, parse
from untilgreen.wiring import builder_of

DIGEST = f"sha256:{7:064x}"


def settings(more: str) -> str:
    """Return settings with one service and these lines in it."""
    return f"services:\n  web:\n    source: web\n    image: r.test/web\n{more}"


@pytest.mark.parametrize(
    ("lines", "builder"),
    [
        ("", SnapshotBuilder()),
        (
            "    builder: {kind: command, command: 'docker build {context}'}\n",
            CommandBuilder(command="docker build {context}"),
        ),
        ("    builder: {kind: command, command: [ko, build]}\n", CommandBuilder(command=("ko", "build"))),
        ("    builder: {kind: prebuilt, tag: '{commit}'}\n", PrebuiltImage(tag="{commit}")),
        (f"    builder: {{kind: prebuilt, digest: '{DIGEST}'}}\n", PrebuiltImage(digest=DIGEST)),
    ],
)
def test_kinds(lines: str, builder: Builder) -> None:
    """The kind decides which settings there are; without one, contexts are kept as they are."""
    assert parse(settings(lines)).services["web"].builder == builder


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("    builder: {kind: docker}\n", "untilgreen.yaml:5: services.web.builder"),
        ("    builder: {kind: command}\n", "this setting is needed; add it"),
        ("    builder: {kind: command, command: ''}\n", "services.web.builder.command.command"),
        ("    builder: {kind: prebuilt, digest: sha256:12}\n", "services.web.builder.prebuilt.digest"),
        ("    builder: {kind: snapshot, tag: v1}\n", "no such setting"),
        ("    python: 3.11\n", "services.web.python"),
        ("    python: '4'\n", "services.web.python"),
    ],
)
def test_mistakes(lines: str, words: str) -> None:
    """What cannot be meant is an error with its place."""
    with pytest.raises(ConfigError) as caught:
        parse(settings(lines))
    assert words in str(caught.value)


def test_snapshots_are_for_the_emulator(tmp_path: Path) -> None:
    """Cloud Run cannot start a folder: said before anything is built."""
    service = parse(settings("")).services["web"]
    builder_of("web", service, "emulator", tmp_path).ready()
    with pytest.raises(ConfigError, match=r"services\.web\.builder: a snapshot starts in the emulator only"):
        builder_of("web", service, "gcp", tmp_path)


def test_commands_are_taken_anywhere(tmp_path: Path) -> None:
    """A command is picked for the emulator and for Google Cloud."""
    lines = "    builder: {kind: command, command: [frobnicate]}\n"
    service = parse(settings(lines)).services["web"]
    for target in ("emulator", "gcp"):
        with pytest.raises(BuildFailed, match="no program frobnicate"):
            builder_of("web", service, target, tmp_path).ready()


def test_prebuilt_needs_one_of_two(tmp_path: Path) -> None:
    """Neither tag nor digest is noticed before anything is built."""
    service = parse(settings("    builder: {kind: prebuilt}\n")).services["web"]
    with pytest.raises(BuildFailed, match="a tag or a digest"):
        builder_of("web", service, "emulator", tmp_path).ready()
