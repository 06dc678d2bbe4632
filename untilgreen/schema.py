"""The JSON schema of untilgreen.yaml: what editors complete and check while somebody types."""

from __future__ import annotations

from typing import Any

from untilgreen.settings import FILE, Settings


def settings_schema() -> dict[str, Any]:
    """Return the schema, with the reason of each setting as its description."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FILE,
        **{key: value for key, value in Settings.model_json_schema().items() if key != "title"},
    }
