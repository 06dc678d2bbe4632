"""What may be loaded when."""

from __future__ import annotations

import subprocess
import sys


def test_help_loads_nothing_heavy() -> None:
    """`untilgreen --help` imports neither prefect nor google nor duckdb."""
    code = (
        "import sys, untilgreen.cli\n"
        "heavy = {'prefect', 'google', 'duckdb', 'grpc', 'matplotlib', 'pytest', 'httpx'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_in_flows_hides_a_module() -> None:
    """Prefect puts flows/ first on the path: no file there is named like a standard or installed module."""
    from importlib import metadata  # noqa: PLC0415 - only this test needs it
    from pathlib import Path  # noqa: PLC0415 - as above

    mine = {file.stem for file in (Path(__file__).parents[2] / "flows").glob("*.py")}
    assert not mine & (set(sys.stdlib_module_names) | set(metadata.packages_distributions()))
