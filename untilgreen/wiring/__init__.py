"""The only place that picks adapters. Heavy imports happen when an adapter is first asked for."""

from untilgreen.ledger import STATE
from untilgreen.wiring.builders import builder_of
from untilgreen.wiring.clouds import cloud, emulator_state
from untilgreen.wiring.people import asked_by, asker, narrated_by, narrator, verifier
from untilgreen.wiring.repository import open_history, read_settings
from untilgreen.wiring.workshop import Workshop, analyst_of

__all__ = [
    "STATE",
    "Workshop",
    "analyst_of",
    "asked_by",
    "asker",
    "builder_of",
    "cloud",
    "emulator_state",
    "narrated_by",
    "narrator",
    "open_history",
    "read_settings",
    "verifier",
]
