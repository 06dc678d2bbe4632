"""What makes each service's image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from untilgreen.errors import ConfigError
from untilgreen.settings import FILE, PrebuiltImage, Service

if TYPE_CHECKING:
    from untilgreen.ports import Builder


def builder_of(name: str, service: Service, target: str, folder: Path) -> Builder:
    """Return what makes a service's image.

    Args:
        name: the service's.
        service: its settings.
        target: `emulator` or `gcp`.
        folder: where the emulator keeps images.

    Raises:
        ConfigError: Cloud Run cannot start what this builder makes.
    """
    from untilgreen.adapters.command_builder import CommandBuilder  # noqa: PLC0415 - adapters are loaded late
    from untilgreen.adapters.snapshot_registry import SnapshotRegistry  # noqa: PLC0415 - as above

    wanted = service.builder
    if wanted.kind == "command":
        return CommandBuilder(
            wanted.command,
            digest_command=wanted.digest_command,
            digest_file=wanted.digest_file,
            check=wanted.check,
            timeout_s=wanted.timeout_s,
        )
    if wanted.kind == "prebuilt":
        return _prebuilt(wanted, SnapshotRegistry(folder).resolve if target == "emulator" else None)
    if target != "emulator":
        raise ConfigError(
            f"{FILE}: services.{name}.builder: a snapshot starts in the emulator only. Set a builder of kind `command` "
            f"or `prebuilt`."
        )
    return SnapshotRegistry(folder)


def _prebuilt(wanted: PrebuiltImage, local: Callable[[str, str, str], str] | None) -> Builder:
    from untilgreen.adapters.command_builder import DigestCommand  # noqa: PLC0415 - adapters are loaded late
    from untilgreen.adapters.prebuilt_images import PrebuiltImages, ask_registry  # noqa: PLC0415 - as above

    command = DigestCommand(wanted.digest_command) if wanted.digest_command else None
    return PrebuiltImages(wanted.tag, wanted.digest, command or local or ask_registry)
