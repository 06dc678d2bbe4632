"""Judgements as SARIF 2.1.0, which code hosts show beside the lines that they are about."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from untilgreen import __version__
from untilgreen.model.analysis import Finding, Truth
from untilgreen.review.rules import help_of, meanings
from untilgreen.review.verdict import Verdict

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Truth.REFUTED: "error", Truth.CONTESTED: "warning", Truth.UNPROVEN: "warning", Truth.SUPPORTED: "note"}
_PLACE = re.compile(r"(?P<path>.+?)(?::(?P<line>\d+))?(?: .*)?", re.DOTALL)
_EVIDENCE = re.compile(r"[a-z_]+-[0-9a-f]{12}")


def sarif(verdict: Verdict, source: str, diff: str) -> dict[str, Any]:
    """Return judgements as a SARIF log with one run.

    Args:
        verdict: all judgements.
        source: path or name of what held the analyses, relative to the repository if it lies in it.
        diff: the same of the diff; the place of a finding that is about no line.
    """
    results = [_result(finding, one.analysis, source) for one in verdict.reviews for finding in one.findings]
    results += [_result(finding, one.fix, diff) for one in verdict.fixes for finding in one.findings]
    known = meanings()
    used = sorted({result["ruleId"] for result in results})
    rules = [_rule(rule, known.get(rule, rule)) for rule in used]
    for result in results:
        result["ruleIndex"] = used.index(result["ruleId"])
    driver = {"name": "untilgreen", "version": __version__, "rules": rules}
    invocation = {"executionSuccessful": True, "properties": {"decision": verdict.decision.value}}
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: str, meaning: str) -> dict[str, Any]:
    words = rule.replace(".", " ").replace("_", " ").title().replace(" ", "")
    return {
        "id": rule,
        "name": words,
        "shortDescription": {"text": meaning},
        "fullDescription": {"text": meaning},
        "help": {"text": f"{meaning} {help_of(rule)}"},
        "defaultConfiguration": {"level": "warning"},
    }


def _result(finding: Finding, subject: str, file: str) -> dict[str, Any]:
    places = list(_places(finding)) or [_location(file, 1)]
    evidence = [identity for identity in finding.evidence if _EVIDENCE.fullmatch(identity)]
    print_ = hashlib.sha256(f"{finding.rule} {re.sub(r':[0-9]+', '', finding.message)}".encode("utf-8", "replace"))
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.truth],
        "message": {"text": finding.message},
        "locations": places[:1],
        "relatedLocations": [{**place, "id": number} for number, place in enumerate(places[1:], 1)],
        "partialFingerprints": {"untilgreen/v1": print_.hexdigest()[:32]},
        "properties": {"about": subject, "truth": finding.truth.value, "why": finding.why, "evidence": evidence},
    }


def _places(finding: Finding) -> Iterator[dict[str, Any]]:
    for identity in finding.evidence:
        found = _PLACE.fullmatch(identity)
        if found and not _EVIDENCE.fullmatch(identity):
            yield _location(found["path"], int(found["line"] or 1))


def _location(path: str, line: int) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(path)}, "region": {"startLine": max(line, 1)}}}


def _uri(path: str) -> str:
    return quote(path.encode("utf-8", "replace"), safe="/-_.~@+,=()!*'")
