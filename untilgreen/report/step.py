"""Step report: write what people and machines read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from untilgreen.ledger import write_whole
from untilgreen.model.cycle import Loop
from untilgreen.model.suite import Proof, Result
from untilgreen.report.brief import render_cycle, summary_lines
from untilgreen.report.details import Details
from untilgreen.report.document import render_json
from untilgreen.report.html import render_html
from untilgreen.report.junit import render_junit
from untilgreen.report.markdown import render_markdown

__all__ = ["render_cycle", "summary_lines", "write"]


def write(
    loop: Loop,
    folder: Path,
    results_of: Callable[[int], Sequence[Result]],
    bundle_text: Callable[[str], str | None] | None = None,
    proofs_of: Callable[[int], Sequence[Proof]] | None = None,
) -> dict[str, Path]:
    """Write the reports of a loop, each whole or not at all.

    Args:
        loop: as far as it came.
        folder: where to write; it is made.
        results_of: cycle number -> one result for each collected test.
        bundle_text: evidence id -> its text, for what no analysis quotes.
        proofs_of: cycle number -> the proofs of its passed tests.

    Returns:
        Kind of report (`markdown`, `html`, `json`, `junit`) -> file. No `junit` when no cycle was judged.
    """
    details = _details(results_of, bundle_text, proofs_of)
    texts = {
        "markdown": ("report.md", render_markdown(loop, details)),
        "html": ("report.html", render_html(loop, details)),
        "json": ("report.json", json.dumps(render_json(loop, details), indent=1) + "\n"),
    }
    if loop.cycles:
        texts["junit"] = ("junit.xml", _junit(loop, details))
    for name, text in texts.values():
        write_whole(folder / name, text)
    return {kind: folder / name for kind, (name, _) in texts.items()}


def _details(
    results_of: Callable[[int], Sequence[Result]],
    bundle_text: Callable[[str], str | None] | None,
    proofs_of: Callable[[int], Sequence[Proof]] | None,
) -> Details:
    """Read each cycle's results and proofs once: four reports ask for them."""
    nothing = Details()
    return Details(
        results_of=cache(results_of),
        proofs_of=cache(proofs_of or nothing.proofs_of),
        text_of=bundle_text or nothing.text_of,
    )


def _junit(loop: Loop, details: Details) -> str:
    number = loop.cycles[-1].number
    proofs = {proof.nodeid: proof for proof in details.proofs_of(number)}
    return render_junit(details.results_of(number), proofs, f"cycle {number}")
