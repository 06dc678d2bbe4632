"""Requests that are made again, against the emulator: the answer and what the platform logged on their traces."""

from __future__ import annotations

from pathlib import Path

from tests.contract.moon import PROJECT, Moon
from tests.contract.test_ports_logs import deployed
from tests.unit.triage_world import World
from untilgreen.adapters.cloud_logging import CloudLogging
from untilgreen.adapters.http_probe import HttpProbe
from untilgreen.ask_again import TIMES, ask_again
from untilgreen.model.evidence import Repeated
from untilgreen.triage.inquiry import Inquiry


def test_a_request_made_again_is_answered_by_the_service_itself(moon: Moon, tmp_path: Path) -> None:
    """Each has a trace of its own, and its status is the service's."""
    service, url = deployed(moon, moon.good)
    World().bundle().save(tmp_path)
    inquiry = Inquiry(service=service, url=f"{url}/503", path="/503")
    bundle = ask_again(tmp_path, [inquiry], HttpProbe(), CloudLogging(PROJECT, moon.endpoint))
    found = bundle.find(Repeated)
    assert [item.status for item in found] == [503] * TIMES
    assert len({item.asked_trace for item in found}) == TIMES
