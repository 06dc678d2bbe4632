"""The image gate: what can be told of an image before anything is built or rolled out.

Rules are plain functions over one small context. A rule blocks only what is certain; the rest it warns of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from untilgreen.build.contexts import BuildContext
from untilgreen.build.gate.context import Context, gather
from untilgreen.build.gate.imports import imports
from untilgreen.build.gate.port import port
from untilgreen.build.gate.reserved import reserved_env
from untilgreen.build.gate.syntax import syntax
from untilgreen.build.gate.unseen import prebuilt, uncommitted
from untilgreen.model.delivery import GateFinding
from untilgreen.ports import Checker
from untilgreen.settings import Service

__all__ = ["RULES", "Context", "examine", "look"]

RULES: tuple[Callable[[Context], Iterable[GateFinding]], ...] = (
    reserved_env,
    syntax,
    imports,
    port,
    uncommitted,
    prebuilt,
)


def examine(
    context: BuildContext, wanted: Service, checker: Checker, export: Path, changed: Iterable[str]
) -> tuple[GateFinding, ...]:
    """Look at one service's build context; see `gather` for the arguments."""
    return look(gather(context, wanted, checker, export, changed))


def look(context: Context) -> tuple[GateFinding, ...]:
    """Apply every rule."""
    return tuple(finding for rule in RULES for finding in rule(context))
