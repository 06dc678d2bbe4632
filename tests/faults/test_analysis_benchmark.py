"""Analyses of faults that really happen here and now: the gate stops the false ones and lets the true ones live."""

from __future__ import annotations

import pytest

from benchmarks.faults.catalogue import FAULTS
from benchmarks.faults.place import place
from benchmarks.review_analyses.corpus import Few, smaller
from benchmarks.review_analyses.faults import MORE
from benchmarks.review_analyses.run import told
from benchmarks.review_analyses.table import STOPPED, WRONGLY, render, stopped, wrongly

pytestmark = pytest.mark.slow
CHOSEN = {**MORE, **{name: FAULTS[name] for name in ("F01", "F04", "F12", "F28")}}
"""Those that the fault benchmark does not make, and one of each sort that it does."""


def test_the_corpus_can_be_made_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Faults that happen anew give analyses that are judged as well as the committed ones, also in small bundles."""
    kept, few = tmp_path_factory.mktemp("kept"), Few()
    with place(tmp_path_factory.mktemp("faults")) as here:
        for fault in CHOSEN.values():
            here.inject(fault, kept)
    found = [told(kept, fault) for fault in CHOSEN.values()]
    judged = [pair for fault in found for pair in fault.judged()]
    assert stopped(judged).value >= STOPPED, render(judged)
    assert wrongly(judged).value <= WRONGLY, render(judged)
    samples = few.of(found[-1].judged())
    assert len(list(smaller(found[-1].bundle, samples).items())) < len(list(found[-1].bundle.items()))
