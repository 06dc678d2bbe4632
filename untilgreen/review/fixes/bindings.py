"""What a fix does to the environment of services: nobody may be left without what they cannot start without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from untilgreen.deploy.secrets_reads import needed_by_source
from untilgreen.errors import ConfigError
from untilgreen.model.analysis import Finding
from untilgreen.review.fixes.change import Change, stop
from untilgreen.settings import FILE, Service, Settings, parse

_SETTERS = ("Dockerfile", "Procfile")


def binds_what_is_read(change: Change) -> Iterator[Finding]:
    """Every env name that a service needs is still bound, and every one that its source newly needs."""
    try:
        settings = parse(change.after.get(FILE, ""))
    except ConfigError:
        return  # the rule about settings tells
    known = _unbound(change, change.before, change.settings)
    for (service, name), why in _unbound(change, change.after, settings).items():
        if (service, name) not in known:
            message = f"leaves {service} without {name}: {why}, and nothing in {FILE} binds it; it would not start"
            yield stop("unbound", message, FILE)


def _unbound(change: Change, tree: Mapping[str, str], settings: Settings) -> dict[tuple[str, str], str]:
    """Return (service, env name) -> who needs it."""
    return {
        (service, name): why
        for service, wanted in settings.services.items()
        for name, why in _needed(change, tree, service, wanted).items()
        if name not in wanted.env and name not in wanted.secrets
    }


def _needed(change: Change, tree: Mapping[str, str], service: str, wanted: Service) -> dict[str, str]:
    texts = {path: text for path, text in tree.items() if _is_source(path, wanted.source) and not change.is_test(path)}
    declared = dict.fromkeys(wanted.needs, f"services.{service}.needs names it")
    return declared | {name: f"{read.path}:{read.line} reads it" for name, read in needed_by_source(texts).items()}


def _is_source(path: str, source: str) -> bool:
    file = PurePosixPath(path)
    return file.is_relative_to(PurePosixPath(source)) and (
        file.suffix in {".py", ".sh"} or file.name.startswith(_SETTERS)
    )
