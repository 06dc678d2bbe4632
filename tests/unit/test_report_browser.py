"""The page in a real browser: what a reader on a phone, in the dark, and of hostile logs meets."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.report_story import Story
from tests.unit.test_report_render import hostile_loop
from untilgreen.report.details import Details
from untilgreen.report.html import render_html

PHONE, DESK = 390, 1280
LIGHT, DARK = 1, 0
"""Chromium's own numbers of colour schemes."""
STORY = Story(1000)


def browser() -> str:
    """Return the path of a chromium, or skip."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium on this machine: install Debian's package `chromium`")
    return found


def measured(page: str, folder: Path, scheme: int) -> list[dict[str, Any]]:
    """Open a page as wide as a phone and as a desk, and return what the browser made of each."""
    style = "height:900px;border:0;width"
    frames = [f'<iframe style="{style}:{w}px" srcdoc="{html.escape(page)}"></iframe>' for w in (PHONE, DESK)]
    frame_page = Path(__file__).with_name("report_measure.html").read_text("utf-8").replace("FRAMES", "".join(frames))
    file = folder / "measure.html"
    file.write_text(frame_page, "utf-8")
    command = [
        browser(), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1400,1000",
        f"--user-data-dir={folder / 'profile'}", f"--blink-settings=preferredColorScheme={scheme}",
        "--dump-dom", file.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    found = re.search(r'<pre id="measured">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found, f"the browser measured nothing: {done.stderr[-2000:]}"
    pages: list[dict[str, Any]] = json.loads(html.unescape(found[1]))
    return pages


@pytest.mark.slow
@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_page_is_readable_on_a_phone_and_at_a_desk(tmp_path: Path, scheme: int) -> None:
    """In light and in dark, nothing runs over the side, every text has a contrast of 4.5, and nothing is fetched."""
    page = render_html(STORY.loop(), Details(results_of=STORY.results_of))
    for shown, width in zip(measured(page, tmp_path, scheme), (PHONE, DESK), strict=True):
        assert shown["width"] == width
        assert shown["dark"] is (scheme == DARK)
        assert shown["needed"] <= width
        assert shown["texts"] > 100
        assert shown["faint"] == []
        assert shown["requests"] == []


@pytest.mark.slow
def test_hostile_text_stays_text_in_a_browser(tmp_path: Path) -> None:
    """Of logs full of markup a browser makes no element, no handler and no request, and the page keeps its width."""
    for shown, width in zip(measured(render_html(hostile_loop()), tmp_path, LIGHT), (PHONE, DESK), strict=True):
        assert shown["strangers"] == []
        assert shown["requests"] == []
        assert shown["needed"] <= width


@pytest.mark.slow
def test_the_measuring_sees_what_is_wrong(tmp_path: Path) -> None:
    """Grey on grey, a line too wide, and an element that a log brought are each noticed."""
    bad = '<body style="background:#fff"><p style="color:#aaa">faint</p><p style="width:2000px">wide</p><img src="x">'
    phone, _desk = measured(bad, tmp_path, LIGHT)
    assert [text.split(" ", 1)[1] for text in phone["faint"]] == ["P.: faint"]
    assert phone["needed"] > PHONE
    assert len(phone["strangers"]) == 1
