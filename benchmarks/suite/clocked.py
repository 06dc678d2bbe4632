"""Runs a command and prints what it took, as one line of JSON: `python clocked.py COMMAND...`."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

begun = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=False).returncode
wall = time.perf_counter() - begun
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime, "tests_mb": used.ru_maxrss / 1024}))
sys.exit(code)
