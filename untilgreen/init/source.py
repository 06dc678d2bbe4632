"""What source text tells about how it is run: env names, ports, health paths. By patterns, so for any language."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = r"""\s*["']([A-Z][A-Z0-9_]*)["']"""
_DEMANDED = re.compile(rf"environ\[{_NAME}\s*\]")
"""Reads that fail without the variable."""
_READ = re.compile(
    rf"(?:environ\[|environ\.get\(|environ\.setdefault\(|[gG]etenv\(|ENV\[|ENV\.fetch\(|env::var\(){_NAME}"
    r"|process\.env\.([A-Z][A-Z0-9_]*)"
)
"""Python, Go, Java, PHP, Ruby, Rust and JavaScript."""

_EXPOSE = re.compile(r"^\s*EXPOSE\s+(\d+)", re.IGNORECASE | re.MULTILINE)
_COMMAND = re.compile(r"^\s*CMD\s+(.+)$", re.IGNORECASE | re.MULTILINE)
_BASE = re.compile(r"^\s*FROM\s+\S*python:(\d+\.\d+)", re.IGNORECASE | re.MULTILINE)
_PYTHON = re.compile(r"""requires-python\s*=\s*["'][^\d]*(\d+\.\d+)""")

HEALTH_PATHS = ("/health", "/healthz", "/health/live", "/api/health", "/livez", "/readyz", "/ready", "/ping", "/status")
"""In the order of preference."""

PLATFORM = re.compile(r"^(PORT|K_[A-Z]+|HOME|PATH|USER|LANG|TZ|TMPDIR|CI|PYTHON[A-Z]*|PYTEST_[A-Z_]+|NODE_ENV)$")
"""What the platform or the machine sets itself."""

SECRET = re.compile(r"(^|_)(KEY|SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIALS?|DSN)(_|$)")
"""Names whose value nobody should read in a file."""

ADDRESS = re.compile(r"^(?:(.*)_)?(URL|URI|HOST|ADDR|ADDRESS|ENDPOINT|BASE)$")
"""Names that say where something is; the first part says what."""


def demanded(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the env names that the source cannot do without, sorted."""
    return _sorted(match[1] for text in texts for match in _DEMANDED.finditer(text))


def read(texts: Iterable[str]) -> tuple[str, ...]:
    """Return all env names that the source reads, sorted, without those that the platform sets."""
    return _sorted(match[1] or match[2] for text in texts for match in _READ.finditer(text))


def reads_port(texts: Iterable[str]) -> bool:
    """Tell whether it listens where the platform says."""
    return any(re.search(r"\bPORT\b", text) for text in texts)


def exposed_port(dockerfile: str) -> int | None:
    """Return the port that an image announces."""
    found = _EXPOSE.search(dockerfile)
    return int(found[1]) if found else None


def start_command(dockerfile: str) -> str:
    """Return an image's command as one line for a Procfile; empty when it has none."""
    found = _COMMAND.findall(dockerfile)
    return " ".join(re.findall(r'"([^"]*)"', found[-1])) or found[-1].strip() if found else ""


def python_version(dockerfile: str, pyproject: str) -> str:
    """Return the Python that runs it, as `3.11`; the image's before the project's; empty when nothing says it."""
    found = _BASE.search(dockerfile) or _PYTHON.search(pyproject)
    return found[1] if found else ""


def health_path(texts: Iterable[str]) -> str:
    """Return the first well-known health path that the source has in quotes; empty when it has none."""
    whole = "\n".join(texts)
    return next((path for path in HEALTH_PATHS if re.search(rf"""["']{re.escape(path)}/?["']""", whole)), "")


def test_functions(texts: Iterable[str]) -> int:
    """Count test functions: a lower bound for the tests, because parameters multiply them."""
    return sum(len(re.findall(r"^\s*(?:async\s+)?def\s+test\w*\s*\(", text, re.MULTILINE)) for text in texts)


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if not PLATFORM.match(name)}))
