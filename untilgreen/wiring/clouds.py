"""The cloud for the time of a loop: Google's, or an emulator that is started for it."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from untilgreen.deploy.secrets_environment import refuse_leaks
from untilgreen.errors import ConfigError
from untilgreen.settings import FILE, Settings


@contextmanager
def cloud(root: Path, settings: Settings) -> Iterator[str]:
    """Provide the cloud for the time of a loop.

    Yields:
        The emulator's endpoint; empty for Google Cloud.

    Raises:
        ConfigError: the environment would write secrets into a log, or the seed does not exist.
    """
    refuse_leaks(os.environ)
    # Google's clients take 1.5 s to load: they come while the emulator starts and the first images are built.
    threading.Thread(target=_load_clients, name="load-clients", daemon=True).start()
    wanted = settings.cloud
    if wanted.target == "gcp" or wanted.endpoint:
        yield wanted.endpoint
        return
    from untilgreen.adapters.local_cloud import emulator  # noqa: PLC0415 - adapters are loaded late

    seed = root / wanted.seed if wanted.seed else None
    if seed and not seed.is_file():
        raise ConfigError(f"{FILE}: cloud.seed: {seed} does not exist. Correct the path, or remove the setting.")
    with emulator(emulator_state(root, settings), seed) as endpoint:
        yield endpoint


def _load_clients() -> None:
    for name in ("cloud_run", "cloud_logging", "secret_manager", "cloud_monitoring"):
        importlib.import_module(f"untilgreen.adapters.{name}")


def emulator_state(root: Path, settings: Settings) -> Path:
    """Return where the emulator keeps what it knows."""
    return root / settings.cloud.state
