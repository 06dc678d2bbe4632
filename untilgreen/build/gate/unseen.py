"""Rules about what the gate does not see: uncommitted files, and images that somebody else has built."""

from __future__ import annotations

from collections.abc import Iterator

from untilgreen.build.gate.context import Context
from untilgreen.model.delivery import GateFinding
from untilgreen.settings import PrebuiltImage

_SHOWN = 3


def uncommitted(context: Context) -> Iterator[GateFinding]:
    """Warn of changes that lie in the build context and in no commit: they are not in what is deployed."""
    changed = [context.build.in_repository(path) for path in context.uncommitted]
    if changed:
        more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        message = (
            f"{', '.join(changed[:_SHOWN])}{more} in the build context of {context.build.service} are not committed, "
            f"so what is tested is without them. Commit them if they belong to it."
        )
        yield context.finding("image.uncommitted", message, context.uncommitted[0], blocking=False)


def prebuilt(context: Context) -> Iterator[GateFinding]:
    """Say that nobody looked into an image that comes from elsewhere."""
    builder = context.wanted.builder
    if isinstance(builder, PrebuiltImage):
        named = "{commit}" in builder.tag
        origin = "" if named else " Nothing shows that it was built from the tested commit either."
        message = f"The image of {context.build.service} was built elsewhere: its files were not looked at.{origin}"
        yield context.finding("image.prebuilt", message, blocking=False)
