"""What `review` says for other programs: SARIF 2.1.0, rules with stable ids, and exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import untilgreen.review
from tests.unit.lending import edit, judged
from tests.unit.review_scene import bundle, chain, entry, quote
from untilgreen.model.analysis import Decision, FixReview
from untilgreen.model.claims import ErrorRaised
from untilgreen.report.sarif import sarif
from untilgreen.review import rules
from untilgreen.review.fixes.patch import Unparsed, read_patch
from untilgreen.review.gate import review
from untilgreen.review.submitted import schema
from untilgreen.review.verdict import EXIT_CODES, verdict

LEVELS = {"none", "note", "warning", "error"}
SOURCES = Path(untilgreen.review.__file__).parent


def log() -> dict[str, Any]:
    """Return a log with findings of every level, on an analysis and on a fix."""
    item = entry("KeyError: 1")
    analysis = chain(ErrorRaised(service="web", exception="KeyError"), cite={1: (quote(item),)})
    fix = judged(edit("web/app.py", ("    auth.require_user(request)\n", "    untilgreen = 1\n")))
    return sarif(verdict([review(analysis, bundle(item))], [fix]), "causes.json", "my fix.diff")


def test_shape() -> None:
    """A log has the parts that the schema of SARIF 2.1.0 requires, of its types, and nothing undefined."""
    document = json.loads(json.dumps(log()))
    assert set(document) == {"$schema", "version", "runs"}
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    assert set(run) == {"tool", "invocations", "columnKind", "results"}
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    assert all(type(one["executionSuccessful"]) is bool for one in run["invocations"])
    driver = run["tool"]["driver"]
    assert set(driver) == {"name", "version", "rules"}
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    for rule in driver["rules"]:
        assert set(rule) == {"id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration"}
        assert all(rule[key]["text"].strip() for key in ("shortDescription", "fullDescription", "help"))
        assert rule["defaultConfiguration"]["level"] in LEVELS
    for result in run["results"]:
        check_result(result, driver["rules"])


def check_result(result: dict[str, Any], known: list[dict[str, Any]]) -> None:
    """Hold one result against the schema."""
    allowed = {
        "ruleId",
        "ruleIndex",
        "level",
        "message",
        "locations",
        "relatedLocations",
        "partialFingerprints",
        "properties",
    }
    assert set(result) <= allowed
    assert known[result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] in LEVELS
    assert result["message"]["text"]
    assert len(result["locations"]) == 1
    for place in (*result["locations"], *result["relatedLocations"]):
        physical = place["physicalLocation"]
        assert physical["region"]["startLine"] >= 1
        assert re.fullmatch(r"[^\s\\]+", physical["artifactLocation"]["uri"])
    assert all(re.fullmatch(r"[0-9a-f]{32}", print_) for print_ in result["partialFingerprints"].values())


def test_levels_and_places() -> None:
    """What rejects is an error, what asks is a warning, what holds is a note; each at its line, or at its file."""
    results = {result["ruleId"]: result for result in log()["runs"][0]["results"]}
    places = {rule: result["locations"][0]["physicalLocation"] for rule, result in results.items()}
    assert [results[r]["level"] for r in ("fix.senses_tests", "fix.checks", "fix.names")] == [
        "error",
        "warning",
        "note",
    ]
    assert places["fix.senses_tests"] == {"artifactLocation": {"uri": "web/app.py"}, "region": {"startLine": 20}}
    assert places["fix.names"]["artifactLocation"]["uri"] == "my%20fix.diff"
    assert places["claim.error_raised"]["artifactLocation"]["uri"] == "causes.json"
    assert results["claim.error_raised"]["properties"]["evidence"]


def test_fingerprints_outlive_lines() -> None:
    """A finding keeps its fingerprint when lines above it come and go."""

    def print_of(*swaps: tuple[str, str]) -> object:
        fix = judged(edit("web/app.py", ("verify=True", "verify=False"), *swaps))
        (result,) = [r for r in sarif(verdict([], [fix]), "", "d")["runs"][0]["results"] if r["ruleId"] == "fix.checks"]
        return result["partialFingerprints"]

    assert print_of() == print_of(("import re\n", "import re\n\n\n"))


@pytest.mark.parametrize("file", sorted(SOURCES.rglob("*.py")), ids=lambda file: str(file.relative_to(SOURCES)))
def test_every_rule_has_a_meaning(file: Path) -> None:
    """Every id that a gate may give has a meaning in one sentence; add yours to untilgreen/review/rules.py."""
    text = file.read_text("utf-8")
    ids = set(re.findall(r'rule="((?:chain|claim|fix)\.[a-z_]+)"', text))
    ids |= {
        f"fix.{name}" for name in re.findall(r'\b(?:stop|ask|forbid|finding|_against)\((?:change, )?"([a-z_]+)"', text)
    }
    assert sorted(ids - set(rules.meanings())) == []


def test_meanings_are_sentences() -> None:
    """A meaning is one line that ends with a full stop, and the help says where to read on."""
    assert [rule for rule, text in rules.meanings().items() if not text.endswith(".") or "\n" in text] == []
    assert all(
        (Path(__file__).parents[2] / re.findall(r"docs/[\w/-]+\.md", rules.help_of(rule))[0]).is_file()
        for rule in rules.meanings()
    )


def made(decision: Decision) -> FixReview:
    """Return a judgement."""
    return FixReview(fix="f", title="t", analysis="", decision=decision, findings=())


@pytest.mark.parametrize(
    ("decisions", "code"),
    [
        ([Decision.APPROVED], 0),
        ([Decision.APPROVED, Decision.APPROVED], 0),
        ([Decision.REJECTED, Decision.REJECTED], 5),
        ([Decision.NEEDS_HUMAN], 6),
        ([Decision.APPROVED, Decision.REJECTED], 6),
        ([Decision.APPROVED, Decision.NEEDS_HUMAN], 6),
        ([Decision.REJECTED, Decision.NEEDS_HUMAN], 6),
    ],
)
def test_exit_codes(decisions: list[Decision], code: int) -> None:
    """All approved is 0, all rejected is 5, and anything else is for a person."""
    assert EXIT_CODES[verdict([], [made(decision) for decision in decisions]).decision] == code


def test_schema() -> None:
    """The schema of analyses is one, with all three forms and every type of claim."""
    text = json.dumps(schema())
    assert schema()["$schema"].startswith("https://json-schema.org/")
    assert all(
        f'"{name}"' in text
        for name in ("Analysis", "Recorded", "Triage", *(r.removeprefix("claim.") for r in rules.claims()))
    )


@settings(max_examples=60)
@given(st.text(alphabet="abd/+-@ 0123,\n\t\"\\'\r", max_size=80), st.integers(0, 6))
def test_any_text_is_a_diff_or_none(text: str, start: int) -> None:
    """No text makes the reader of diffs stumble: it is read, or it is said why not."""
    heads = (
        "",
        "diff --git a/x b/x\n",
        "--- a/x\n+++ b/x\n",
        "@@ -1 +1 @@\n",
        "rename from ",
        "GIT binary patch\n",
        'diff --git "a/',
    )
    assert isinstance(read_patch(heads[start] + text), tuple | Unparsed)
