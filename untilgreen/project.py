"""Finds the Prefect project: flows/, tasks/ and deployments/, in a checkout or inside the installed wheel."""

from __future__ import annotations

from pathlib import Path


def project() -> Path:
    """Return the folder that holds prefect.yaml, flows/ and tasks/."""
    here = Path(__file__).resolve().parent
    checkout = here.parent
    return checkout if (checkout / "prefect.yaml").is_file() else here / "project"


def enter() -> dict[str, str]:
    """Let a flow run begin in this folder, wherever untilgreen is installed: the pull step of our deployments."""
    return {"directory": str(project())}
