"""Reports: nothing that decided something is left out, and nothing from a log becomes markup."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml

from tests.unit.report_story import Story, at, result
from untilgreen.model.analysis import Approval, Decision, Group, Triage
from untilgreen.model.cycle import Loop, Stop
from untilgreen.model.suite import Failure, Outcome, Proof, Reality
from untilgreen.report.brief import render_cycle, summary_lines
from untilgreen.report.details import Details
from untilgreen.report.document import render_json
from untilgreen.report.html import render_html
from untilgreen.report.junit import render_junit
from untilgreen.report.markdown import render_markdown
from untilgreen.report.plot import plot
from untilgreen.report.step import write
from untilgreen.report.story import threads
from untilgreen.report.summary import headline, remaining
from untilgreen.report.text import code, fenced, legible, many, markdown, one_line, percent

STORY = Story()
HOSTILE = "</pre></style><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\u202e` | **b** [l](javascript:x)"


class Page(HTMLParser):
    """Reads a page: its tags, anchors, links and text, and whether each tag is closed."""

    VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name in ("href", "src") and value]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that closes itself."""
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Insist on order."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note what is shown."""
        if not self._open or self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        """Return what a reader sees, on one line."""
        return " ".join(" ".join(self.words).split())


def details() -> Details:
    """Return the story's results."""
    return Details(results_of=STORY.results_of)


def hostile_loop() -> Loop:
    """Return a loop in which every text that a stranger writes is hostile."""
    loop = STORY.loop(2)
    document = json.loads(loop.model_dump_json())
    shown = {
        "key", "question", "answer", "quote", "author", "title", "message", "reason", "path", "service", "exception",
        "symbol", "canonical", "url", "branch", "repository", "note", "rule", "breaks", "files", "siblings",
        "notes", "last_words", "revision", "serving_revision", "approver", "proof",
    }  # fmt: skip

    def poison(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: poison(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [poison(inner, name) for inner in value]
        return HOSTILE if isinstance(value, str) and name in shown else value

    return Loop.model_validate(poison(document))


# ---- Markdown ---------------------------------------------------------------------------------------------------


def test_markdown_tells_the_whole_story() -> None:
    """The Markdown report has a heading for each part, each cause, each rejection with its reason, and each fix."""
    text = render_markdown(STORY.loop(), details())
    for heading in (
        "# Green after 4 cycles",
        "## Executive summary",
        "## Green, line by line",
        "## Cycle by cycle",
        "## Causes",
        "## SSOT validation",
        "## Technical fixes deployed",
        "## Deployment identity",
        "## Remaining work",
    ):
        assert f"{heading}\n" in text
    assert "web used at most 31 % of its memory" in text
    assert "usage-00000000000a` `at most 31% of its limit" in text
    assert "canonical function: `web.json.safe_dump`" in text
    assert "**masked** `TypeError in web/render.py:send_page`: not observed" in text


def test_markdown_keeps_strangers_text_harmless() -> None:
    """Outside of code no angle bracket, link or table bar of a log is left unescaped in Markdown."""
    text = render_markdown(hostile_loop())
    bare = re.sub(r"^ *(`{3,})text\n.*?^ *\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    bare = re.sub(r"(?<![\\`])(`+)(?!`).*?(?<!`)\1(?!`)", "", bare)
    assert not re.search(r"(?<!\\)<(?:script|img|/pre)", bare)
    assert not re.search(r"(?<!\\)\[l\]\(", bare)
    assert "\x1b" not in text
    assert "\u202e" not in text


@given(st.text(max_size=60))
def test_a_code_span_cannot_be_closed(text: str) -> None:
    """Whatever a text holds, its code span is fenced by more backticks than any run inside."""
    span = code(text)
    fence = re.match(r"`*", span)
    assert fence is not None
    inner = span[len(fence[0]) : -len(fence[0])] if span else ""
    assert fence[0] not in re.findall(r"`+", inner)
    assert "\n" not in span


@given(st.text(alphabet="`~\n abc", max_size=80))
def test_a_block_cannot_be_closed(text: str) -> None:
    """Whatever a text holds, no line of it is as long a fence as the block's own."""
    first, *body, last = fenced(text)
    fence = first.removesuffix("text")
    assert last == fence
    assert not any(line.strip().startswith(fence) for line in body)


@given(st.text(max_size=80))
def test_markdown_text_stays_on_its_line(text: str) -> None:
    """Escaped text is one line without bare angle brackets, bars or backticks."""
    shown = markdown(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>|`\[\]*]", shown)


# ---- HTML -------------------------------------------------------------------------------------------------------


def test_html_is_one_whole_page() -> None:
    """The page closes its tags, needs no other file, and each link leads to an anchor in it."""
    page = Page(render_html(STORY.loop(), details()))
    assert page.tags.count("h1") == 1
    assert page.tags.count("svg") == 1
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)


def test_html_tells_the_whole_story() -> None:
    """The page has every part: verdict, proof, states, ladder, review, canonical function, identity, next actions."""
    text = Page(render_html(STORY.loop(3), details())).text
    for part in (
        "Broken after 3 cycles",
        "Executive summary",
        "Green, line by line",
        "Cycle by cycle",
        "cycle 1 new, 52 tests cycle 2 improved, 9 tests cycle 3 masked",
        "Two of fourteen call sites hand the value to the socket",
        "TypeError: Object of type State is not JSON serializable",
        "Rejected, and why",
        "web used at most 31 % of its memory",
        "at most 31% of its limit",
        "The canonical function is web.json.safe_dump",
        "web-00003 serving: web-00002",
        "In cycle 3 no test ran.",
        "Remaining work",
        "Run another cycle: Import the encoder that exists",
        "Repair what hides it, then run again",
    ):
        assert part in text


def test_reports_tell_how_a_rollout_failed() -> None:
    """A service that did not start is shown with the platform's reason, its exit code and its own last words."""
    page, text = (render(STORY.loop(), details()) for render in (render_html, render_markdown))
    for shown in (page, text):
        assert "HealthCheckContainerError" in shown
        assert "exit code 3" in shown
        assert "Container called exit(3)." in shown
    assert "&lt;b&gt;ValueError&lt;/b&gt;: no customers" in page
    assert "<b>ValueError" not in page


def test_reports_tell_what_the_steps_noted() -> None:
    """How tests were run and controlled, and which analyst failed, stands with its cycle."""
    told = STORY.loop(1)
    cycle = told.cycles[0]
    assert cycle.suite
    assert cycle.triage
    noted = cycle.model_copy(
        update={
            "suite": cycle.suite.model_copy(update={"notes": ("2 failures were run again",)}),
            "triage": cycle.triage.model_copy(update={"notes": ("parrot: it babbles",)}),
        }
    )
    whole = told.model_copy(update={"cycles": (noted,)})
    for render in (render_html, render_markdown):
        assert "2 failures were run again" in render(whole, details())
        assert "parrot: it babbles" in render(whole, details())


def test_html_escapes_strangers_text() -> None:
    """Text from logs, authors and tests can become neither a tag nor an attribute."""
    results = [result(f"e2e/{HOSTILE}.py::{HOSTILE}[{n}]", Outcome.FAILED, message=HOSTILE) for n in range(3)]
    page = render_html(hostile_loop(), Details(results_of=lambda _: results, text_of=lambda _: HOSTILE))
    parsed = Page(page)
    assert not {"script", "img"} & set(parsed.tags)
    assert not any(name.startswith("on") for name, _ in parsed.attributes)
    assert not any("javascript:" in link for link in parsed.links)
    assert "alert(1)" in parsed.text
    assert "\x1b" not in page
    assert "\u202e" not in page


@given(st.text(max_size=120))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_html_takes_any_text(text: str) -> None:
    """Whatever a cause is called, the page parses, has no tag more, and can be written as UTF-8."""
    group = Group(id="g-json", key=text, cases=("a",))
    first = STORY.cycles[0].model_copy(update={"triage": Triage(groups=(group,), analyses=()), "comparison": None})
    loop = STORY.loop(1).model_copy(update={"cycles": (first,)})
    page = render_html(loop)
    page.encode("utf-8")
    assert Page(page).tags.count("article") == 2


def test_html_grid_says_it_three_times() -> None:
    """Each test is a cell with a class, a label, and, unless it passed, a letter; a failing one leads to its cause."""
    page = render_html(STORY.loop(1), details())
    cells = re.findall(r'<(?:a|span) class="c (\w)"[^>]*aria-label="([^"]+)"[^>]*>([^<]*)<', page)
    assert len(cells) == 200
    assert sum(look == "f" and letter == "F" and "failed" in label for look, label, letter in cells) == 95
    assert sum(look == "p" and letter == "" and "passed and real" in label for look, label, letter in cells) == 105
    assert len(re.findall(r'<a class="c f" href="#cause-', page)) == 95


def test_html_grid_tells_unproven_from_real() -> None:
    """A passed test without proof never looks like a real one."""
    cycle = STORY.cycles[3]
    proof = cycle.proof.model_copy(update={"counts": {Reality.REAL: 199, Reality.UNPROVEN: 1}})
    loop = STORY.loop().model_copy(update={"cycles": (cycle.model_copy(update={"proof": proof}),)})
    proofs = [Proof(nodeid=t, reality=Reality.REAL) for t in STORY.tests[1:]]
    page = render_html(loop, Details(results_of=STORY.results_of, proofs_of=lambda _: proofs))
    assert page.count('class="c u" role="img"') == 1
    assert "test_orders_journey[0000]: passed without proof" in page


def test_html_of_a_loop_without_cycles() -> None:
    """A loop that ended before its first cycle has a report that says so."""
    loop = Loop(id="l", started=at(1), stop=Stop.ERROR, reason="no such branch")
    page = Page(render_html(loop)).text
    assert "Nothing was tested" in page
    assert "no such branch" in page
    assert "no such branch" in render_markdown(loop)


def test_html_is_the_same_every_time() -> None:
    """The same loop gives the same bytes."""
    assert render_html(STORY.loop(), details()) == render_html(STORY.loop(), details())


def test_plot_leaves_a_gap_where_nothing_ran() -> None:
    """The picture says `not run` for a cycle that was not observed, and has a text alternative."""
    picture = plot(STORY.loop())
    assert "not run" in picture
    assert "<title" in picture
    assert "currentColor" in picture
    assert "font-family" not in picture


# ---- JSON, JUnit, terminal --------------------------------------------------------------------------------------


def test_json_has_what_machines_ask_for() -> None:
    """The JSON document has, for each cycle, counts, causes, reviews, states, services, verdict lines and fixes."""
    document = json.loads(json.dumps(render_json(STORY.loop(), details())))
    assert (document["color"], document["exit_code"], document["stop"]) == ("green", 0, "green")
    first, second, third, _ = document["cycles"]
    assert first["counts"] == {"collected": 200, "failed": 95, "passed": 105}
    assert [cause["cases"] for cause in first["causes"]] == [52, 31, 12]
    assert first["causes"][0]["leaf"]["subject"] == "web/render.py send_page"
    assert first["causes"][2]["leaf"] is None
    rejected = [review for review in first["reviews"] if review["decision"] == "rejected"]
    assert rejected[0]["findings"][0]["rule"] == "claim.resource_exhausted"
    assert [review["decision"] for review in first["fixes"]["reviews"]] == ["approved", "approved", "rejected"]
    assert {c["group"]: c["state"] for c in second["causes"]} == {
        "g-json": "improved",
        "g-login": "persistent",
        "g-route": "resolved",
    }
    assert {c["state"] for c in third["comparison"]["changes"]} == {"new", "masked"}
    assert third["pass_rate"] is None
    assert third["services"][0]["revision"] == "web-00003"
    assert third["services"][0]["digest"].startswith("sha256:")
    assert [line["holds"] for line in third["verdict"]] == [False] * 5


def test_flaky_tests_are_shown_with_all_attempts() -> None:
    """A test whose attempts differ is named in each report with every attempt."""
    flaky = Details(results_of=lambda _: [result("t::a", Outcome.FAILED, Outcome.PASSED)])
    assert render_json(STORY.loop(1), flaky)["cycles"][0]["flaky"] == {"t::a": ["failed", "passed"]}
    assert "cycle 1, `t::a`: failed: AssertionError: boom → passed" in render_markdown(STORY.loop(1), flaky)
    assert "t::a cycle 1 failed: AssertionError: boom passed" in Page(render_html(STORY.loop(1), flaky)).text


def test_junit_can_be_read_back() -> None:
    """Every outcome has its place in JUnit XML, with trace and reality, and strange characters do no harm."""
    failure = Failure(phase="call", exception="E", message=HOSTILE, text=f"{HOSTILE}\x00\ud800")
    broken = result("e2e/test_a.py::TestX::test_b[a::b]", Outcome.FAILED)
    broken = broken.model_copy(update={"attempts": (broken.attempts[0].model_copy(update={"failure": failure}),)})
    results = [
        result("e2e/test_a.py::test_a", Outcome.PASSED),
        broken,
        result("e2e/test_a.py::test_c", Outcome.SKIPPED, reason="no region"),
        result("e2e/test_a.py::test_d", Outcome.NOT_RUN, reason="deadline"),
        result("e2e/test_a.py::test_e", Outcome.LOST),
        result("e2e/test_a.py::test_f", Outcome.FAILED, Outcome.PASSED),
    ]
    proofs = {"e2e/test_a.py::test_a": Proof(nodeid="e2e/test_a.py::test_a", reality=Reality.REAL)}
    text = render_junit(results, proofs, "cycle 1")
    suite = next(iter(JUnitXml.fromstring(text.encode())))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (6, 1, 2, 1)
    cases = ET.fromstring(text.encode())[0].findall("testcase")  # noqa: S314 - our own text
    assert (cases[1].get("classname"), cases[1].get("name")) == ("e2e.test_a.TestX", "test_b[a::b]")
    found = {p.get("name"): p.get("value") for p in cases[0].iter("property")}
    assert found["reality"] == "real"
    assert found["trace"] == f"{1:032x}"
    assert cases[5].find("flakyFailure") is not None
    assert "unproven" in {p.get("value") for p in cases[5].iter("property")}


def test_the_terminal_gets_plain_lines() -> None:
    """The summary names counts, each cause with its state, each rejection with its reason, and the verdict."""
    lines = summary_lines(STORY.cycles[0])
    text = "\n".join(lines)
    assert "200 tests, 105 passed, 95 failed" in lines[0]
    assert "new: TypeError in web/render.py:send_page (0 -> 52): code defect, web/render.py:41 send_page" in text
    assert "analysis rejected: resource exhausted, web memory, by agent-7 <b>: claim.resource_exhausted: " in text
    assert "fix rejected: Write our own JSON encoder: fix.duplicate: " in text
    assert "verdict: red" in lines
    assert "the suite did not run" in summary_lines(STORY.cycles[2])[0]
    assert not any("\x1b" in line or "\n" in line for cycle in hostile_loop().cycles for line in summary_lines(cycle))


def test_the_artifact_is_short() -> None:
    """A cycle's artifact has its verdict, its causes and what was rejected, on one screen."""
    text = render_cycle(STORY.cycles[0])
    assert text.startswith("# Cycle 1: Red\n")
    assert "fix rejected: Write our own JSON encoder" in text
    assert len(text.splitlines()) < 40
    assert "<script" not in re.sub(r"`[^`]*`", "", render_cycle(hostile_loop().cycles[0])).replace("\\<", "")


def test_write_leaves_four_files(tmp_path: Path) -> None:
    """All reports lie in the folder, whole, with no draft beside them."""
    files = write(STORY.loop(), tmp_path / "report", STORY.results_of, lambda _: None)
    assert {kind: file.name for kind, file in files.items()} == {
        "markdown": "report.md",
        "html": "report.html",
        "json": "report.json",
        "junit": "junit.xml",
    }
    assert sorted(file.name for file in (tmp_path / "report").iterdir()) == sorted(f.name for f in files.values())
    assert json.loads(files["json"].read_text())["schema"] == "untilgreen.report/1"


def test_ten_cycles_of_a_thousand_tests_stay_small(tmp_path: Path) -> None:
    """A report of ten cycles with a thousand tests each is below two megabytes."""
    story = Story(1000)
    cycles = tuple(story.cycles[n % 2].model_copy(update={"number": n + 1}) for n in range(10))
    loop = story.loop().model_copy(update={"cycles": cycles})
    files = write(loop, tmp_path, lambda n: story.results[(n - 1) % 2 + 1])
    assert all(file.stat().st_size < 2_000_000 for file in files.values())


# ---- the story ---------------------------------------------------------------------------------------------------


def test_threads_follow_a_cause_through_another_id() -> None:
    """A cause whose fingerprint changed stays one thread."""
    cycle = STORY.cycles[1]
    changes = tuple(
        c.model_copy(update={"group": "g-other", "was": "g-json"}) if c.group == "g-json" else c
        for c in cycle.comparison.changes
    )
    renamed = cycle.model_copy(update={"comparison": cycle.comparison.model_copy(update={"changes": changes})})
    loop = STORY.loop(2).model_copy(update={"cycles": (STORY.cycles[0], renamed)})
    found = [thread for thread in threads(loop) if thread.group == "g-other"]
    assert [number for number, _ in found[0].changes] == [1, 2]
    assert len(threads(loop)) == 3


def test_remaining_work_names_the_next_action() -> None:
    """Each open cause has an action that fits what the review and the fixer made of it; green has none."""
    assert remaining(STORY.loop()) == []
    first = STORY.cycles[0].model_copy(update={"fixes": None})
    left = {task.subject: task.action for task in remaining(STORY.loop(1).model_copy(update={"cycles": (first,)}))}
    assert left["TypeError in web/render.py:send_page"].startswith("Fix the code defect: web/render.py:41 send_page.")
    assert "Call web.json.safe_dump" in left["TypeError in web/render.py:send_page"]
    assert "the upstream's own log" in left["ReadTimeout POST /login"]


def test_remaining_work_of_a_waiting_loop() -> None:
    """A loop that waits for approval says so first."""
    loop = STORY.loop(1).model_copy(update={"stop": Stop.WAITING})
    assert remaining(loop)[0].state == "waiting"


def test_remaining_work_of_an_unproven_cycle() -> None:
    """Where no test fails and something is unproven, the open lines are what is left."""
    cycle = STORY.cycles[3]
    lines = tuple(line.model_copy(update={"holds": line.number != 4}) for line in cycle.verdict.lines)
    verdict = cycle.verdict.model_copy(update={"color": "unproven", "lines": lines})
    loop = STORY.loop().model_copy(update={"cycles": (cycle.model_copy(update={"verdict": verdict}),)})
    assert headline(loop) == "Unproven after 1 cycle: line 4 open"
    assert [task.subject.startswith("Line 4") for task in remaining(loop)] == [True]


def test_a_green_end_without_a_green_cycle_is_not_believed() -> None:
    """A loop that was ended as green while its last cycle is red is never called proven."""
    loop = STORY.loop(1).model_copy(update={"stop": Stop.GREEN})
    assert "is proven" not in Page(render_html(loop)).text
    assert render_json(loop)["exit_code"] == 1


def test_approval_is_shown() -> None:
    """Who approved or refused, and why, is in the reports."""
    said = Approval(decision=Decision.REJECTED, approver="mara", reason="too wide")
    cycle = STORY.cycles[0].model_copy(update={"approval": said})
    loop = STORY.loop(1).model_copy(update={"cycles": (cycle,)})
    assert "Fixes rejected by mara: too wide" in Page(render_html(loop)).text
    assert "Fixes rejected by mara: too wide" in render_markdown(loop)


@pytest.mark.parametrize(
    ("rate", "text"), [(None, "not run"), (1.0, "100 %"), (0.9999, "99.9 %"), (0.905, "90.5 %"), (0.0, "0 %")]
)
def test_only_all_is_a_hundred_percent(rate: float | None, text: str) -> None:
    """A share is cut, not rounded: 999 of 1000 never read as all of them."""
    assert percent(rate) == text


def test_small_words() -> None:
    """Counts agree with their nouns, and what hides or moves text is made visible."""
    assert [many(1, "fix"), many(2, "fix"), many(1200, "cycle"), many(0, "retry")] == [
        "1 fix",
        "2 fixes",
        "1,200 cycles",
        "0 retries",
    ]
    assert legible("a\x1b[2J\x1b]0;t\x07b\u202ec\x00") == "ab\ufffdc\ufffd"
    assert one_line("a\n  b", 3) == "a b"
