"""A plan as text: what would change, line by line, without any value that looks like a credential."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from untilgreen.deploy.plan import Action, PlannedService, RolloutPlan, shown
from untilgreen.model.delivery import Template, Traffic

MASK = "********"

_NAME = re.compile(
    r"(?:^|_)(?:key|keys|apikey|token|secret|password|passwd|passphrase|pwd|credentials?|private|salt|dsn|cookie)(?:_|$)",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"://[^/\s:@]+:[^/\s@]+@"  # a URL with a password in it
    r"|-----BEGIN|^eyJ[\w-]{10,}\."  # a PEM block, a JSON web token
    r"|^(?:Bearer|Basic)\s"
    r"|^(?=[^\s]*\d)(?=[^\s]*[A-Za-z])[\w+/=-]{24,}$",  # long, dense and mixed: more likely a key than a word
    re.IGNORECASE,
)

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "same": " "}


def render_plan(plan: RolloutPlan) -> str:
    """Show a plan as plain text, ready to print.

    Lines begin with `+` for what comes, `-` for what goes, `~` for what changes, and a blank for what stays.
    """
    urls = {service.service: service.url for service in plan.services}
    parts = [_head(plan)]
    for number, level in enumerate(plan.levels, start=1):
        parts += [_service(service, urls, number) for service in level]
    if plan.refusals:
        refused = (f"  {r.service}: {r.reason}: {_line(r.message)}" for r in plan.refusals)
        parts.append("\n".join(["REFUSED: nothing would be rolled out.", *refused]))
    return "\n\n".join(parts) + "\n"


def masked(name: str, value: str) -> str:
    """Return a value as it may be shown: quoted, or hidden when its name or its look is that of a credential."""
    return MASK if _NAME.search(name) or _VALUE.search(value) else json.dumps(value, ensure_ascii=True)


def _head(plan: RolloutPlan) -> str:
    counts = [f"{n} to {a}" for a in Action if (n := sum(s.action is a for s in plan.services))]
    return f"Rollout of commit {plan.commit[:12]}: {', '.join(counts) or 'no services'}"


def _service(service: PlannedService, urls: dict[str, str], level: int) -> str:
    how = f" as a {service.strategy}" if service.strategy != "replace" else ""
    lines = [f"{level}. {service.service}: {service.action}{how}, revision {service.revision}"]
    lines += [f"  {sign} {what}" for sign, what in _differences(service.before, shown(service, urls))]
    lines += [f"  {_traffic(service)}"]
    lines += [f"  ! {note}" for note in service.notes]
    return "\n".join(lines)


def _differences(before: Template | None, after: Template) -> Iterable[tuple[str, str]]:
    """Compare two templates, field by field in the order in which a person looks at them."""
    old, new = (_fields(before) if before else {}), _fields(after)
    for name in sorted({*old, *new}, key=lambda name: (_rank(name), name)):
        was, now = old.get(name), new.get(name)
        yield _SIGNS[_kind(was, now)], _change(name, was, now)


def _fields(template: Template) -> dict[str, str]:
    """Lay a template out as names and values."""
    probe = f"HTTP {template.health_path} within {template.startup_seconds} s" if template.health_path else "none"
    fields = {
        "image": template.image,
        "port": str(template.port),
        "memory": template.memory,
        "account": template.account or "(the project's default)",
        "startup probe": probe,
    }
    fields |= {f"env {name}": value for name, value in template.env.items()}
    fields |= {f"secret {bound.env}": f"{bound.secret}:{bound.version}" for bound in template.secrets}
    return fields | {f"label {name}": value for name, value in template.labels.items()}


def _rank(name: str) -> int:
    groups = ("image", "port", "memory", "account", "startup", "env", "secret", "label")
    return groups.index(name.partition(" ")[0])


def _kind(was: str | None, now: str | None) -> str:
    if was == now:
        return "same"
    return "added" if was is None else "removed" if now is None else "changed"


def _change(name: str, was: str | None, now: str | None) -> str:
    values = [_value(name, value) for value in (was, now) if value is not None]
    if len(values) == 1 or was == now:
        return f"{name} {values[0]}"
    return f"{name} {values[0]} -> {values[1]}{' (changed)' if values[0] == values[1] else ''}"


def _value(name: str, value: str) -> str:
    kind, _, env = name.partition(" ")
    return masked(env, value) if kind == "env" else _line(value)


def _traffic(service: PlannedService) -> str:
    now = ", ".join(_share(share) for share in service.traffic if share.percent) or "nobody"
    if service.action is Action.UNCHANGED:
        return f"{_SIGNS['same']} traffic {now}"
    return f"{_SIGNS['changed']} traffic {now} -> {service.revision} 100 %"


def _share(share: Traffic) -> str:
    return f"{share.revision} {share.percent} %{'' if share.latest else ' (pinned)'}"


def _line(text: str) -> str:
    """Keep text of others on one line and free of control characters."""
    return "".join(c if c.isprintable() else " " for c in text).strip()
