"""What a person reads in a pipe or in CI."""

from __future__ import annotations

import io
import threading

from untilgreen.adapters.console import ConsoleNarrator
from untilgreen.model.suite import Outcome


class Paper(io.StringIO):
    """A text stream that tells when a line with certain words has come."""

    def __init__(self, awaited: str = "") -> None:
        super().__init__()
        self._awaited = awaited
        self.came = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if self._awaited and self._awaited in self.getvalue():
            self.came.set()
        return written


def test_a_pipe_gets_plain_lines() -> None:
    """Step and text on one line each, without control characters."""
    paper = Paper()
    with ConsoleNarrator(paper) as narrator:
        narrator.say("deploy", "auth serves\nshop serves")
    first, second = paper.getvalue().splitlines()
    assert first.split()[1:] == ["deploy", "auth", "serves"]
    assert second.split()[1:] == ["deploy", "shop", "serves"]
    assert "\x1b" not in paper.getvalue()


def test_markup_in_a_text_is_shown_as_it_is() -> None:
    """What a service logs is data: brackets are neither styles nor links, and nothing is lost."""
    paper = Paper()
    with ConsoleNarrator(paper) as narrator:
        narrator.say("triage", "[bold red]KeyError[/] in handlers[0] [link=http://x]here[/link] :tea:")
    assert "[bold red]KeyError[/] in handlers[0] [link=http://x]here[/link] :tea:" in paper.getvalue()


def test_a_long_line_stays_one_line() -> None:
    """Lines are not wrapped: whoever greps a log finds the whole message."""
    paper = Paper()
    with ConsoleNarrator(paper) as narrator:
        narrator.say("build", "word " * 100)
    assert len(paper.getvalue().splitlines()) == 1


def test_silence_is_broken() -> None:
    """When nothing is said for a while, a sign of life names the step that is at work."""
    paper = Paper(awaited="still at it")
    with ConsoleNarrator(paper, silence_s=0.01) as narrator:
        narrator.say("wait", "asking for health")
        assert paper.came.wait(30)
    assert any(line.split()[1:] == ["wait", "still", "at", "it"] for line in paper.getvalue().splitlines())


def test_silence_in_the_suite_tells_how_far_it_is() -> None:
    """While tests run, the sign of life is a count with its denominator."""
    paper = Paper(awaited="1/4 tests, 1 failed")
    with ConsoleNarrator(paper, silence_s=0.01) as narrator:
        watcher = narrator.suite()
        watcher.collected(4)
        watcher.finished("e2e/test_a.py::test_one", Outcome.FAILED)
        assert paper.came.wait(30)


def test_the_first_failures_are_named() -> None:
    """Five failing tests are named as they come, each with its reason; a thousand would hide everything else."""
    paper = Paper()
    with ConsoleNarrator(paper) as narrator:
        watcher = narrator.suite()
        watcher.collected(10)
        for number in range(10):
            watcher.finished(f"test_{number}", Outcome.FAILED, "[red]KeyError: 'a'")
    shown = [line.split("FAILED ")[1] for line in paper.getvalue().splitlines()]
    assert shown == [f"test_{n}  [red]KeyError: 'a'" for n in range(5)]
