"""What simple methods say of the same bundles: blame whoever logs most errors; group by type and masked message."""

from __future__ import annotations

from collections import Counter

from untilgreen.collect.bundle import Bundle
from untilgreen.model.evidence import Case, Entry
from untilgreen.triage.frames import app_spot
from untilgreen.triage.masking import first_line, mask
from untilgreen.triage.scene import Scene

_LOUD = ("ERROR", "CRITICAL", "ALERT", "EMERGENCY")


def loudest_services(bundle: Bundle) -> Counter[str]:
    """Return how many errors each service logged; lines without a severity count when they hold a traceback."""
    return Counter(entry.service for entry in bundle.find(Entry) if _loud(entry))


def loudest_files(bundle: Bundle) -> Counter[str]:
    """Return how many errors have their deepest own line in each file."""
    scene = Scene(bundle)
    spots = (app_spot(scene, entry) for entry in bundle.find(Entry) if _loud(entry) and entry.raised)
    return Counter(spot.path for spot in spots if spot)


def _loud(entry: Entry) -> bool:
    return entry.severity in _LOUD or " ERROR " in entry.message[:60] or (entry.raised is not None)


def by_message(bundle: Bundle) -> dict[str, str]:
    """Return test -> exception type and masked first line of its message."""
    return {
        case.nodeid: f"{case.failure.exception}: {mask(first_line(case.failure.message))}" if case.failure else "?"
        for case in bundle.find(Case)
        if case.outcome.bad
    }
