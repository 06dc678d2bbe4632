"""Seconds to index a hundred thousand lines, and to judge one fix in them. Prints JSON; run by `run`."""

from __future__ import annotations

import json
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

from untilgreen.model.analysis import Fix
from untilgreen.review.fixes import review_fix
from untilgreen.settings import FILE, parse
from untilgreen.ssot.index import functions
from untilgreen.ssot.likeness import Index
from untilgreen.ssot.store import FolderStore

SETTINGS = """services: {all: {source: all, image: none}}
ssot:
  canonical:
    wire.py:safe: {replaces: [json.dumps], sinks: [send_json]}
  banned: {pickle.loads: use JSON}
  env: {HOME_URL: wire.py}
"""
WIRE = """import json
import os

URL = os.environ["HOME_URL"]


def safe(value):
    return json.dumps(value, default=str)


def tell(ws, m):
    ws.send_json(safe(m))
"""
FIX = """import json
import logging


def answer(ws, rows, since):
    found = []
    for row in rows:
        if row.at < since:
            continue
        logging.info("row %s", row)
        found.append({"id": row.id, "at": row.at.isoformat(), "sum": row.amount * row.quantity})
    ws.send_json(json.dumps(found))
"""


def main() -> None:
    """Measure one thing in a fresh process."""
    what, place, lines = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    started = time.perf_counter()
    tree = sources(lines)
    read = time.perf_counter() - started
    store = FolderStore(place)
    spent: Callable[[], dict[str, float]] = {"index": lambda: index(tree, store), "fix": lambda: fix(tree, store)}[what]
    print(json.dumps({"files": len(tree), "lines": sum(t.count("\n") for t in tree.values()), "read": read, **spent()}))


def sources(lines: int) -> dict[str, str]:
    """Return installed packages' own sources, without tests, up to so many lines."""
    root, texts, count = Path(sysconfig.get_paths()["purelib"]), dict[str, str](), 0
    for file in sorted(root.rglob("*.py")):
        if count < lines and not {"tests", "test"} & set(file.parts):
            texts[file.relative_to(root).as_posix()] = file.read_text("utf-8", errors="surrogateescape")
            count += texts[file.relative_to(root).as_posix()].count("\n")
    return texts


def index(tree: dict[str, str], store: FolderStore) -> dict[str, float]:
    """Read all functions and make them searchable."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = Index(functions(tree, store).shapes)
    return {**_since(wall, cpu), "functions": len(found.functions)}


def fix(tree: dict[str, str], store: FolderStore) -> dict[str, float]:
    """Judge a fix by every rule of the gate, the declared registry among them."""
    before = {**tree, "wire.py": WIRE, FILE: SETTINGS}
    offered = Fix(id="fix", author="", title="", analysis="", breaks="", diff="")
    wall, cpu = time.perf_counter(), time.process_time()
    review = review_fix(offered, None, before, {**before, "answer.py": FIX}, parse(SETTINGS), store=store)
    rules = {finding.rule for finding in review.findings}
    assert {"fix.sink", "fix.primitive"} <= rules, review.findings
    return {**_since(wall, cpu), "findings": len(review.findings)}


def _since(wall: float, cpu: float) -> dict[str, float]:
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


if __name__ == "__main__":
    main()
