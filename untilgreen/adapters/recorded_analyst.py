"""Analyses that lie in a file: another team's, an agent's, yesterday's."""

from __future__ import annotations

from pathlib import Path

from untilgreen.errors import AnalysisUnreadable, ConfigError
from untilgreen.model.analysis import Analysis
from untilgreen.triage.recorded import parse, recorded


class RecordedAnalyst:
    """Repeats what is written in a file about the tests that fail now.

    Args:
        file: see `untilgreen.triage.recorded`.

    Raises:
        ConfigError: with file and position, when it cannot be read.
    """

    def __init__(self, file: Path) -> None:
        try:
            self._records = parse(file.read_bytes(), str(file))
        except OSError as error:
            raise ConfigError(
                f"{file}: it cannot be read ({error.strerror}). Correct `analysts` in the settings."
            ) from None
        except AnalysisUnreadable as error:
            raise ConfigError(f"{error} Mend the file.") from None

    def analyse(self, bundle: object) -> tuple[Analysis, ...]:
        """Return an analysis for each record that is about a failing test; `group` is left to whoever groups."""
        return recorded(self._records, bundle)
