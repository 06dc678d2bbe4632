"""Compares what was said with what is true: claims with signs, failing tests with causes, evidence with its subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from benchmarks.faults.fault import Cause, Sign, Stage
from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Analysis, Citation
from untilgreen.model.claims import Claim
from untilgreen.model.evidence import Case, Commit, Entry, GateSeen, Hunk, Item, Request, Secret, SourceFile
from untilgreen.model.suite import Outcome, Result


def matches(claim: Claim, sign: Sign, commits: Mapping[str, str]) -> bool:
    """Tell whether a claim is what a sign means.

    Args:
        claim: what is said.
        sign: what counts.
        commits: name -> sha, for `@name`.
    """
    said = claim.model_dump(mode="json")
    return sign.type == claim.type and all(
        name in said and fnmatchcase(str(said[name]), commits[wanted[1:]] if wanted.startswith("@") else wanted)
        for name, wanted in sign.fields.items()
    )


def names(claim: Claim, cause: Cause, commits: Mapping[str, str]) -> bool:
    """Tell whether a claim names a true cause."""
    return any(matches(claim, sign, commits) for sign in cause.right)


def goes_through(analysis: Analysis, cause: Cause, commits: Mapping[str, str]) -> bool:
    """Tell whether a chain takes the right path: of each group of signs it has one."""
    claims = [why.claim for why in analysis.whys]
    return all(any(matches(claim, sign, commits) for claim in claims for sign in group) for group in cause.path)


def supported(analysis: Analysis, bundle: Bundle) -> bool:
    """Tell whether each why but an honest `unknown` cites evidence that exists, in its own words."""
    return all(
        why.claim.type == "unknown" or (why.citations and all(verbatim(c, bundle) for c in why.citations))
        for why in analysis.whys
    )


def verbatim(citation: Citation, bundle: Bundle) -> bool:
    """Tell whether what is cited exists and says what is quoted."""
    item = bundle.get(citation.evidence)
    return item is not None and citation.quote in item.text


def relevant(
    citation: Citation, bundle: Bundle, cause: Cause, tests: Iterable[str], commits: Mapping[str, str]
) -> bool:
    """Tell whether a citation holds and is about this cause.

    Args:
        citation: what is cited.
        bundle: the evidence.
        cause: the true cause.
        tests: node ids of the tests that fail for it.
        commits: name -> sha.
    """
    item = bundle.get(citation.evidence)
    if item is None or citation.quote not in item.text:
        return False
    return _about(item, bundle, cause, frozenset(tests), commits)


def _about(item: Item, bundle: Bundle, cause: Cause, tests: frozenset[str], commits: Mapping[str, str]) -> bool:
    match item:
        case Case(nodeid=nodeid):
            return nodeid in tests
        case Hunk(commit=sha) | Commit(sha=sha):
            guilty = {sign.fields["commit"] for sign in cause.right if "commit" in sign.fields}
            return sha in {commits[name[1:]] for name in guilty}
        case SourceFile(path=path):
            return path in cause.files
        case Request(trace=trace) | Entry(trace=trace) if trace:
            return trace in {c.trace for c in bundle.find(Case) if c.nodeid in tests}
        case Secret(status=said) | GateSeen(finding=said):
            return said.service in cause.services
    return getattr(item, "service", "") in cause.services


def labels(stage: Stage, results: Iterable[Result]) -> dict[str, str]:
    """Return the true cause of each test that failed, or could not run where none can; `?` when it is none of them."""
    first = stage.causes[0].name if stage.causes else "none"
    found = {}
    for result in results:
        if result.outcome.bad or (not stage.runs and result.outcome is Outcome.NOT_RUN):
            cause = next((c.name for c in stage.causes if _any(result.nodeid, c.tests)), "")
            found[result.nodeid] = cause or (first if _any(result.nodeid, stage.collateral) else "?")
    return found


def surprises(stage: Stage, results: Iterable[Result]) -> list[str]:
    """Return in which ways a stage did not break what it must break, a sentence each."""
    results = list(results)
    labelled = labels(stage, results)
    found = [f"{test} failed and should not" for test, cause in labelled.items() if cause == "?"]
    for cause in stage.causes:
        expected = [r.nodeid for r in results if _any(r.nodeid, cause.tests)]
        fine = [test for test in expected if test not in labelled]
        if not expected or len(fine) == len(expected) or (fine and not cause.some):
            found += [f"{test} did not fail for {cause.name}" for test in fine or ["no test"]]
    if not stage.causes and not labelled:
        found.append("nothing failed")
    return found


def _any(nodeid: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(nodeid, pattern) for pattern in patterns)
