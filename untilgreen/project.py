"""Finds the Prefect project: flows/, tasks/ and deployments/, in a checkout or inside the installed wheel."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any


def project() -> Path:
    """Return the folder that holds prefect.yaml, flows/ and tasks/."""
    here = Path(__file__).resolve().parent
    checkout = here.parent
    return checkout if (checkout / "prefect.yaml").is_file() else here / "project"


def enter() -> dict[str, str]:
    """Let a flow run begin in this folder, wherever untilgreen is installed: the pull step of our deployments."""
    return {"directory": str(project())}


def load_loop() -> Any:
    """Import flows/loop.py of our project, never the caller's own flows/."""
    sys.path.insert(0, str(project()))
    try:
        return importlib.import_module("flows.loop")
    finally:
        sys.path.remove(str(project()))
