"""A corpus on disk: for each fault one file with a small bundle and the analyses about it.

A bundle is made smaller by dropping what decides nothing - the hundredth passing test, the thousandth equal line -
and only as far as every analysis of it is judged as before. What names a machine is replaced before anything is
analysed, so that ids and quotes hold.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from benchmarks.review_analyses.sample import Sample
from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Decision, Review
from untilgreen.model.document import content_id
from untilgreen.model.evidence import Case, Entry, Evidence, Item, Manifest, Request, kind_of
from untilgreen.model.suite import Outcome
from untilgreen.review.gate import review
from untilgreen.review.routes import masked
from untilgreen.review.scene import trace_id

FOLDER = Path(__file__).with_name("corpus")
_EVIDENCE: TypeAdapter[Item] = TypeAdapter(Evidence)
_ALIKE = 3
"""Rows, lines and tests of one sort that are kept."""
_MOST = 9
"""Faults that one kind of analysis is kept of."""
_MACHINE = (
    (re.compile(r"(?:/[\w.@+-]+)+?/place/here(?=/|\b)"), "/srv"),
    (re.compile(r"(?:/[\w.@+-]+)+?/site-packages"), "/usr/lib/python3/site-packages"),
    (re.compile(r"(?:/[\w.@+-]+)+?/lib/python3\.\d+"), "/usr/lib/python3"),
)
"""What differs from machine to machine."""


@dataclass(frozen=True)
class Told:
    """One fault of the corpus.

    Args:
        fault: its id.
        bundle: the evidence.
        samples: the analyses about it.
    """

    fault: str
    bundle: Bundle
    samples: tuple[Sample, ...]

    def judged(self) -> list[tuple[Sample, Review]]:
        """Judge all of it."""
        return [(sample, review(sample.analysis, self.bundle)) for sample in self.samples]


def nameless(bundle: Bundle) -> Bundle:
    """Return a bundle that does not tell on which machine it was made."""
    manifest = Manifest.model_validate_json(_cleaned(bundle.manifest.model_dump_json()))
    items = (_EVIDENCE.validate_json(_cleaned(item.model_dump_json())) for item in bundle.items())
    return Bundle(manifest, items)


def _cleaned(text: str) -> str:
    for machine, neutral in _MACHINE:
        text = machine.sub(neutral, text)
    return text


def smaller(bundle: Bundle, samples: Sequence[Sample]) -> Bundle:
    """Return as little of a bundle as judges each analysis as the whole does.

    Whatever an analysis cites, or a judgement names, is kept; of everything else a few of each sort. Where that
    changes a judgement, twice as many are kept, until it does not.
    """
    wanted = [_verdict(review(sample.analysis, bundle)) for sample in samples]
    named = {c.evidence for s in samples for why in s.analysis.whys for c in why.citations}
    named |= {identity for s in samples for f in review(s.analysis, bundle).findings for identity in f.evidence}
    alike = _ALIKE
    while True:
        less = Bundle(bundle.manifest, _kept(bundle, named, alike))
        if [_verdict(review(sample.analysis, less)) for sample in samples] == wanted:
            return less
        alike *= 2


def _verdict(judged: Review) -> tuple[str, tuple[tuple[str, str, int | None], ...]]:
    return judged.decision, tuple((f.rule, f.truth, f.why) for f in judged.findings)


def _kept(bundle: Bundle, named: set[str], alike: int) -> Iterator[Item]:
    seen: Counter[tuple[object, ...]] = Counter()
    hot = {trace_id(c.trace): c.nodeid for c in bundle.find(Case) if c.outcome.bad and c.trace}
    for item in bundle.items():
        sort = _sort(item, hot)
        seen[sort] += bool(sort)
        if not sort or item.id in named or seen[sort] <= alike:
            yield item


def _sort(item: Item, hot: dict[str, str]) -> tuple[object, ...]:
    """Return what equal items share; an empty one for those that are always kept."""
    match item:
        case Case():
            test = item.nodeid.partition("[")[0]
            return (item.outcome, test) if item.outcome in (Outcome.PASSED, Outcome.NOT_RUN) or item.outcome.bad else ()
        case Request():
            failing = trace_id(item.trace) in hot
            return (item.service, item.revision, item.method, masked(item.path), item.status, item.said, failing)
        case Entry():
            words = re.sub(r"[0-9a-f]*\d[0-9a-f]*", "#", item.message)
            return (item.service, item.revision, item.stream, words, trace_id(item.trace) in hot)
    return ()


def save(folder: Path, told: Told) -> None:
    """Write one fault into a folder; the same corpus is the same bytes."""
    lines = [told.bundle.manifest.model_dump_json(), *(s.model_dump_json() for s in told.samples), ""]
    lines += [item.model_dump_json() for item in told.bundle.items()]
    folder.mkdir(parents=True, exist_ok=True)
    packed = gzip.compress("\n".join(lines).encode(), mtime=0)
    (folder / f"{told.fault}.jsonl.gz").write_bytes(packed)


def load(file: Path) -> Told:
    """Read one fault. An id is made from an item's text: what has grown a field since has another one now."""
    manifest, *rest = gzip.decompress(file.read_bytes()).decode().split("\n")
    end = rest.index("")
    items = [_EVIDENCE.validate_json(line) for line in rest[end + 1 :]]
    was = {content_id(kind_of(type(i)), line): i.id for i, line in zip(items, rest[end + 1 :], strict=True)}
    changed = {old: new for old, new in was.items() if old != new}
    renamed = re.compile("|".join(map(re.escape, changed)) or r"(?!)")
    samples = (renamed.sub(lambda found: changed[found[0]], line) for line in rest[:end])
    told = tuple(Sample.model_validate_json(line) for line in samples)
    return Told(file.name.partition(".")[0], Bundle(Manifest.model_validate_json(manifest), items), told)


def corpus(folder: Path = FOLDER) -> Iterator[Told]:
    """Read the committed corpus."""
    yield from (load(file) for file in sorted(folder.glob("*.jsonl.gz")))


class Few:
    """Chooses what goes into the corpus: of each kind one a fault and nine in all, and whatever was judged wrong.

    Those of one way about one type of claim put the same question again.
    """

    def __init__(self) -> None:
        self._faults: Counter[str] = Counter()

    def of(self, judged: Iterable[tuple[Sample, Review]]) -> tuple[Sample, ...]:
        """Return the chosen ones of one fault."""
        chosen, kinds = [], set[str]()
        for sample, judgement in judged:
            kind = f"{sample.true} {sample.way} {sample.about} {sample.analysis.leaf.claim.type if sample.true else ''}"
            wrong = judgement.decision is (Decision.REJECTED if sample.true else Decision.APPROVED)
            if wrong or (kind not in kinds and self._faults[kind] < _MOST):
                chosen.append(sample)
                self._faults[kind] += kind not in kinds
                kinds.add(kind)
        return tuple(chosen)
