"""What may be loaded when."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from untilgreen.ledger import STATE, Ledger
from untilgreen.model.cycle import Loop


def test_help_loads_nothing_heavy() -> None:
    """`untilgreen --help` imports neither prefect nor google nor duckdb."""
    code = (
        "import sys, untilgreen.cli\n"
        "heavy = {'prefect', 'google', 'duckdb', 'grpc', 'matplotlib', 'pytest', 'httpx'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_status_loads_only_what_reads_a_ledger(tmp_path: Path) -> None:
    """`untilgreen status` reads files: it imports no settings, no YAML, no wiring and nothing that help may not."""
    Ledger(tmp_path / STATE, "loop-1").open(
        Loop(id="loop-1", repository=str(tmp_path), started=datetime(2026, 1, 1, tzinfo=UTC))
    )
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from untilgreen.commands.loops import status\n"
        f"status(repo=Path({str(tmp_path)!r}))\n"
        "heavy = {'prefect', 'google', 'duckdb', 'grpc', 'matplotlib', 'pytest', 'httpx', 'yaml'}\n"
        "ours = {'untilgreen.settings', 'untilgreen.wiring'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules} | ours & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["loop-1  not ended", "[]"]


def test_no_file_in_flows_hides_a_module() -> None:
    """Prefect puts flows/ first on the path: no file there is named like a standard or installed module."""
    from importlib import metadata  # noqa: PLC0415 - only this test needs it

    mine = {file.stem for file in (Path(__file__).parents[2] / "flows").glob("*.py")}
    assert not mine & (set(sys.stdlib_module_names) | set(metadata.packages_distributions()))
