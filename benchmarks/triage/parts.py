"""The measured parts, each a process of its own, so that memory and CPU are its own: prints one JSON object."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from untilgreen.collect.bundle import load
from untilgreen.triage.descent import descend
from untilgreen.triage.errors import Errors
from untilgreen.triage.group import clusters
from untilgreen.triage.scene import Scene
from untilgreen.triage.step import triage
from untilgreen.triage.templates import sketch, template_of
from untilgreen.triage.walk import Walk


def analyses(folder: Path) -> dict[str, Any]:
    """Go from a bundle to its analyses."""
    found, spent = timed(lambda: triage(load(folder)))
    return {"groups": len(found.groups), "largest": max(len(group.cases) for group in found.groups), **spent}


def grouping(folder: Path) -> dict[str, Any]:
    """Group failures whose way down is known: fingerprints, then one chain for each, then merging."""
    scene = Scene(load(folder))
    errors = Errors(scene)
    descents = [descend(scene, errors, case) for case in scene.bad]
    found, spent = timed(lambda: clusters(Walk(scene, errors), descents))
    return {"failures": len(descents), "groups": len(found), **spent}


def masking(file: Path) -> dict[str, Any]:
    """Mask a file of lines into templates: sketches by DuckDB, then the exact masks on one line of each."""
    query = f"""SELECT min(line), count(*) FROM read_csv(?, columns = {{line: 'VARCHAR'}}, delim = chr(1), quote = '',
        escape = '', header = false) GROUP BY {sketch("line")}"""  # noqa: S608 - patterns of our own

    def masked() -> dict[str, int]:
        counts: dict[str, int] = {}
        with duckdb.connect() as db:
            for line, count in db.execute(query, [str(file)]).fetchall():
                template = template_of(line)
                counts[template] = counts.get(template, 0) + count
        return counts

    found, spent = timed(masked)
    return {"lines": sum(found.values()), "templates": len(found), **spent}


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Return what work gives, and its wall and CPU seconds and this process's largest memory in MB."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return found, {**spent, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if __name__ == "__main__":
    part = {"analyses": analyses, "grouping": grouping, "masking": masking}[sys.argv[1]]
    print(json.dumps(part(Path(sys.argv[2]))))
