"""Loads Google's message types without Google's clients.

A client library's package imports every client, transport and HTTP library it has: 1 s and 50 MB for nothing that a
server uses. Only the emulator's own process does this; everywhere else the packages are imported as they are.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec

PACKAGES = (
    "google.cloud.run_v2",
    "google.cloud.logging_v2",
    "google.cloud.secretmanager_v1",
    "google.cloud.monitoring_v3",
)


def skip_clients() -> None:
    """Put each package in place without running its `__init__`, so that only its `types` are loaded later."""
    for name in PACKAGES:
        spec = find_spec(name)
        if spec and name not in sys.modules:
            sys.modules[name] = module_from_spec(spec)
