"""Rule `image.reserved_env`: nobody sets what the platform sets itself."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from untilgreen.build.gate.context import Context
from untilgreen.deploy.wanted import RESERVED
from untilgreen.model.delivery import GateFinding
from untilgreen.settings import FILE

RULE = "image.reserved_env"


def reserved_env(context: Context) -> Iterator[GateFinding]:
    """Refuse names that Cloud Run refuses; warn of those that it may take for itself one day."""
    service, wanted = context.build.service, context.wanted
    for name, value in sorted({**wanted.env, **wanted.secrets}.items()):
        if name not in RESERVED and not name.startswith("K_"):
            continue
        section = "env" if name in wanted.env else "secrets"
        blocking = name in RESERVED
        why = "Cloud Run sets this itself and refuses the revision" if blocking else "Cloud Run keeps names with K_"
        yield GateFinding(
            service=service,
            rule=RULE,
            message=f"{FILE}: services.{service}.{section}.{name}: {why}. Remove it, or give it another name.",
            path=FILE,
            line=_line(context.settings, "services", service, section, name),
            blocking=blocking,
            key=name,
            actual=value,
        )


def _line(text: str, *keys: str) -> int:
    """Return the line of a key in the settings, from 1; 0 when they are written in a way that hides it."""
    node = yaml.compose(text, Loader=yaml.SafeLoader) if text else None
    line = 0
    for key in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((name, value) for name, value in pairs if name.value == key), None)
        if found is None:
            return 0
        line, node = found[0].start_mark.line + 1, found[1]
    return line
