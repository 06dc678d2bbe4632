"""Drain3 over a file of log lines, as it comes and with the masks of its example. Runs where drain3 is."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

EDGE, END = r"((?<=[^A-Za-z0-9])|^)", r"((?=[^A-Za-z0-9])|$)"
MASKS = (
    (r"(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))", "ID"),
    (r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})", "IP"),
    (r"([0-9a-f]{6,} ?){3,}", "SEQ"),
    (r"([0-9A-F]{4} ?){4,}", "SEQ"),
    (r"(0x[a-f0-9A-F]+)", "HEX"),
    (r"([\-\+]?\d+)", "NUM"),
)
"""Those of examples/drain3.ini in its repository."""


def main() -> None:
    """Print templates and seconds as JSON."""
    config = TemplateMinerConfig()
    if sys.argv[2] == "masked":
        config.masking_instructions = [MaskingInstruction(f"{EDGE}{pattern}{END}", name) for pattern, name in MASKS]
    miner = TemplateMiner(config=config)
    rows = Path(sys.argv[1]).read_text("utf-8").splitlines()
    wall, cpu = time.perf_counter(), time.process_time()
    for row in rows:
        miner.add_log_message(row)
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps({"lines": len(rows), "templates": len(miner.drain.clusters), **spent}))


if __name__ == "__main__":
    main()
