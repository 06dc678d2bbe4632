"""The built-in fixer of settings: a lost secret, a changed template, a limit that was hit.

It offers only what something shows to be right: the last good revision, the settings of the last good commit, another
service. What it offers is a change of the settings file like any other, and goes through the same review.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from untilgreen.collect.bundle import Bundle
from untilgreen.errors import ConfigError, RepositoryError
from untilgreen.fix.diff import file_diff
from untilgreen.fix.fingerprint import fix_id
from untilgreen.fix.yaml_edit import with_value
from untilgreen.model.analysis import Analysis, Fix, Why
from untilgreen.model.claims import ConfigMismatch, ResourceExhausted, SecretMissing
from untilgreen.model.delivery import Template
from untilgreen.model.evidence import Revision
from untilgreen.ports import History
from untilgreen.settings import FILE, Service, Settings, parse

AUTHOR = "settings"

_HIDDEN = "(not shown)"
"""How an analysis writes a value that may be a credential."""
_FIELDS = {
    "memory": ("memory",),
    "port": ("port",),
    "account": ("account",),
    "health_path": ("health", "path"),
    "startup_seconds": ("health", "startup_s"),
}
"""Key of a claim -> where it stands in a service's settings."""
_QUANTITY = re.compile(r"(\d+)(Mi|Gi)")
_MOST_MEMORY = 32 * 1024
"""MiB: what one instance may have at most on Cloud Run."""


@dataclass(frozen=True)
class Edit:
    """One value to be set for a service, and what shows that it is right."""

    service: str
    path: tuple[str, ...]
    value: str | int
    reason: str


@dataclass(frozen=True)
class Bench:
    """What is known of the settings: now, at the last good commit, and as revisions were made of them."""

    text: str
    now: Settings
    good: Settings | None
    bundle: Bundle

    @cached_property
    def last_good(self) -> dict[str, Revision]:
        """Return service -> its last good revision."""
        return {r.service: r for r in self.bundle.find(Revision) if not r.current and r.template}

    def before(self, service: str) -> Service | None:
        """Return a service's settings at the last good commit."""
        return self.good.services.get(service) if self.good else None

    def template(self, service: str) -> Template | None:
        """Return what the last good revision was made of."""
        found = self.last_good.get(service)
        return found.template if found else None


def lost_secret(why: Why, bench: Bench) -> Iterator[Edit]:
    """Bind what a service lacks as it was bound before, or as another service binds it."""
    claim = why.claim
    if not isinstance(claim, SecretMissing) or claim.service not in bench.now.services:
        return
    bound = bench.now.services[claim.service].secrets.get(claim.env)
    path = ("secrets", claim.env)
    if (before := bench.before(claim.service)) and claim.env in before.secrets:
        yield Edit(claim.service, path, before.secrets[claim.env], "so it was at the last good commit")
    if before and claim.env in before.env:
        yield Edit(claim.service, ("env", claim.env), before.env[claim.env], "so it was at the last good commit")
    if template := bench.template(claim.service):
        for binding in (b for b in template.secrets if b.env == claim.env):
            version = "" if binding.version == "latest" else f":{binding.version}"
            name = binding.secret.rpartition("/")[2]
            yield Edit(claim.service, path, f"{name}{version}", "the last good revision had it")
    for name, peer in bench.now.services.items():
        if name != claim.service and peer.secrets.get(claim.env) not in (None, bound):
            yield Edit(claim.service, path, peer.secrets[claim.env], f"{name} binds it so")


def changed_setting(why: Why, bench: Bench) -> Iterator[Edit]:
    """Give a setting the value that it had, or that the claim shows to be expected."""
    claim = why.claim
    if not isinstance(claim, ConfigMismatch) or claim.service not in bench.now.services:
        return
    now, before = bench.now.services[claim.service], bench.before(claim.service)
    path = _FIELDS.get(claim.key) or (("secrets", claim.key) if claim.key in now.secrets else ("env", claim.key))
    if before is not None and (was := _value(before, path)) is not None and was != _value(now, path):
        yield Edit(claim.service, path, was, "so it was at the last good commit")
    elif claim.expected and claim.expected != _HIDDEN and str(_value(now, path)) == claim.actual:
        whole = path[-1] in ("port", "startup_s") and claim.expected.isdigit()
        yield Edit(claim.service, path, int(claim.expected) if whole else claim.expected, "the evidence expects it")


def more_memory(why: Why, bench: Bench) -> Iterator[Edit]:
    """Double the memory of a service that was seen to run out of it, or give back what it had."""
    claim = why.claim
    if not isinstance(claim, ResourceExhausted) or claim.resource != "memory":
        return
    now, before = bench.now.services.get(claim.service), bench.before(claim.service)
    if now is None:
        return
    if before and _mebibytes(before.memory) > _mebibytes(now.memory):
        yield Edit(claim.service, ("memory",), before.memory, "so it was at the last good commit")
    if 0 < (doubled := 2 * _mebibytes(now.memory)) <= _MOST_MEMORY:
        amount = f"{doubled // 1024}Gi" if doubled % 1024 == 0 else f"{doubled}Mi"
        yield Edit(claim.service, ("memory",), amount, f"{now.memory} did not suffice")


Rule = Callable[[Why, Bench], Iterator[Edit]]

RULES: tuple[Rule, ...] = (lost_secret, changed_setting, more_memory)


def _value(service: Service, path: tuple[str, ...]) -> str | int | None:
    """Return what a service's settings say at a path; None when nothing."""
    place: object = service
    for key in path:
        place = place.get(key) if isinstance(place, Mapping) else getattr(place, key, None)
    return place if isinstance(place, str | int) else None


def _mebibytes(quantity: str) -> int:
    found = _QUANTITY.fullmatch(quantity)
    return int(found[1]) * (1024 if found[2] == "Gi" else 1) if found else 0


class SettingsFixer:
    """Offers changes of untilgreen.yaml.

    Args:
        history: the user's repository; only read.
        commit: what was tested.
        bundle: the evidence of the same cycle.
    """

    def __init__(self, history: History, commit: str, bundle: Bundle) -> None:
        text = history.read(commit, FILE) or ""
        self._bench = Bench(text, parse(text), _settings(history, bundle.manifest.good_commit), bundle)

    def propose(self, analysis: Analysis) -> tuple[Fix, ...]:
        """Return a fix for each value that something shows to be right, for the deepest whys first."""
        whys = sorted(analysis.whys, key=lambda why: -why.number)
        edits = [(why, edit) for why in whys for rule in RULES for edit in rule(why, self._bench)]
        fixes = {fix.id: fix for why, edit in edits for fix in self._fixes(analysis, why, edit)}
        return tuple(fixes.values())

    def _fixes(self, analysis: Analysis, why: Why, edit: Edit) -> Iterator[Fix]:
        path = ("services", edit.service, *edit.path)
        try:
            after = with_value(self._bench.text, path, edit.value)
        except ConfigError:
            return  # a file that cannot be edited by one line is edited by a person
        if after != self._bench.text:
            diff = file_diff(FILE, self._bench.text, after)
            yield Fix(
                id=fix_id(diff),
                author=AUTHOR,
                title=f"Set {'.'.join(path)}: {edit.reason}",
                analysis=analysis.id,
                breaks=f"{why.claim.type} {why.claim.subject}",
                diff=diff,
            )


def _settings(history: History, commit: str) -> Settings | None:
    """Return the settings of a commit; None when it has none that can be read."""
    try:
        return parse(history.read(commit, FILE) or "") if commit else None
    except (ConfigError, RepositoryError):
        return None
