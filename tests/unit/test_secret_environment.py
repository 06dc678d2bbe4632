"""Under which settings nothing is run."""

from __future__ import annotations

import pytest

from untilgreen.deploy.secrets_environment import refuse_leaks
from untilgreen.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GOOGLE_SDK_PYTHON_LOGGING_SCOPE", "google"),
        ("GOOGLE_SDK_PYTHON_LOGGING_SCOPE", "google.cloud.secretmanager_v1"),
        ("GRPC_TRACE", "all"),
        ("GRPC_TRACE", "-timer,http"),
        ("GRPC_TRACE", "never_heard_of"),
        ("PREFECT_LOGGING_EXTRA_LOGGERS", "shop, google"),
        ("PREFECT_LOGGING_EXTRA_LOGGERS", "google.cloud"),
        ("SSLKEYLOGFILE", "keys.txt"),
    ],
)
def test_leaks_are_refused(name: str, value: str) -> None:
    """A setting that would write secrets somewhere stops the loop before it begins, and is named."""
    with pytest.raises(ConfigError, match=name):
        refuse_leaks({name: value, "PATH": "x"})


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"GOOGLE_SDK_PYTHON_LOGGING_SCOPE": ""},
        {"GRPC_TRACE": "", "GRPC_VERBOSITY": "debug"},
        {"GRPC_TRACE": "-all"},
        {"GRPC_TRACE": "connectivity_state"},
        {"PYTHONFAULTHANDLER": "1"},
        {"PREFECT_LOGGING_EXTRA_LOGGERS": "untilgreen,shop"},
    ],
)
def test_quiet_settings_are_not(environ: dict[str, str]) -> None:
    """Settings that print no payload are nobody's business."""
    refuse_leaks(environ)


def test_all_are_named_at_once() -> None:
    """Whoever has to unset several learns of all."""
    with pytest.raises(ConfigError, match=r"GRPC_TRACE(.|\n)*SSLKEYLOGFILE"):
        refuse_leaks({"GRPC_TRACE": "all", "SSLKEYLOGFILE": "x"})
