"""All faults, by their ids."""

from __future__ import annotations

from benchmarks.faults.catalogue.credentials import F01, F03
from benchmarks.faults.catalogue.routing import F06, F32, F36, F40
from benchmarks.faults.catalogue.sockets import F04, F05, F38, F39
from benchmarks.faults.catalogue.starting import F08, F10
from benchmarks.faults.catalogue.storage import F12, F13, F24, F25, F29
from benchmarks.faults.catalogue.upstream import F16, F17, F28

_ALL = (F01, F03, F04, F05, F06, F08, F10, F12, F13, F16, F17, F24, F25, F28, F29, F32, F36, F38, F39, F40)
FAULTS = {fault.id: fault for fault in _ALL}
