"""In a real browser: what a person does in the Prefect UI between a red cycle and a green one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.acceptance.shop_project import FILES, commit
from tests.acceptance.test_resume import STORY

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

ASKING = "approve: {mode: ask, other_than_author: true, timeout_s: 3600}"
PATIENCE_S = 180
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project with a defect, and a patch in its queue that waits for a person."""
    root = tmp_path / "shop"
    for path, content in {**FILES, **STORY}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content.replace("approve: {mode: policy}", ASKING))
    commit(root, "begin")
    return root


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of a user with a home of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTEST_"))}
    return {**kept, "UNTILGREEN_HOME": str(tmp_path_factory.mktemp("ui"))}


@pytest.fixture(scope="module")
def station(environment: dict[str, str]) -> Iterator[Callable[..., str]]:
    """Return the command line; what it brought up is ended afterwards."""

    def call(*arguments: str) -> str:
        command = [sys.executable, "-m", "untilgreen", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        yield call
    finally:
        call("down")


@pytest.fixture
def page() -> Iterator[Page]:
    """Return a page of the machine's own browser; none is ever downloaded."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser on this machine: none of {', '.join(BROWSERS)} is in PATH")
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, which CI often is.
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1300, "height": 1000})
        page.set_default_timeout(PATIENCE_S * 1000)
        expect.set_options(timeout=PATIENCE_S * 1000)
        yield page
        chromium.close()


def remembered(environment: dict[str, str], name: str) -> Any:
    """Return what `up` wrote down."""
    return json.loads((Path(environment["UNTILGREEN_HOME"]) / name).read_text())


def until(what: Callable[[], Any]) -> Any:
    """Wait until something is there, and return it."""
    end = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.2)
    return found


def asked(root: Path, attempt: int) -> bool:
    """Tell whether an attempt's request was written."""
    return any(json.loads(f.read_text())["attempt"] == attempt for f in root.glob(".untilgreen/loops/*/*/request.json"))


def press_run(page: Page, address: str) -> str:
    """Start a by-hand run as a person does; return the run's page."""
    page.goto(f"{address}/deployments")
    page.get_by_role("link", name="by-hand", exact=True).click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Quick run").click()
    page.locator("a[href*='/runs/flow-run/']").first.click()
    page.wait_for_url("**/runs/flow-run/**")
    return page.url.partition("?")[0]


def suspended(page: Page, run: str) -> None:
    """Wait until a run of the server is suspended, then look at it afresh: a page polls slowly."""
    api, number = run.partition("/runs/")[0] + "/api", run.rpartition("/")[2]
    until(lambda: httpx.get(f"{api}/flow_runs/{number}").json()["state"]["name"] == "Suspended")
    page.goto(run)
    expect(page.get_by_text("Suspended", exact=True).first).to_be_visible()


def field(form: Locator, title: str) -> Locator:
    """Return a field of the form by its title."""
    label = form.page.locator(".schema-form-property__label", has_text=title)
    return form.locator(".schema-form-property").filter(has=label)


def opened(page: Page) -> Locator:
    """Press Resume, and return the form with the question in it."""
    page.get_by_role("button", name="Resume", exact=True).click()
    form = page.get_by_role("dialog")
    expect(form.get_by_text("What happens next")).to_be_attached()
    return form


def send(form: Locator, **values: str) -> None:
    """Fill the form in, and submit it."""
    if decision := values.pop("Decision", ""):
        select = field(form, "Decision").locator(".p-select-button__control")
        select.focus()
        select.press("ArrowDown")  # a click opens it by focus and closes it again
        form.page.locator(".p-select-option", has_text=decision).click()
    for title, value in values.items():
        field(form, title.replace("_", " ")).locator("textarea").fill(value)
    form.get_by_role("button", name="Submit").click()
    expect(form).to_be_hidden()


def events(station: Callable[..., str], root: Path) -> list[str]:
    """Return what the audit log says happened; it must be whole."""
    log = json.loads(station("approve", "--repo", str(root), "--log", "--json"))
    assert log["broken"] == ""
    return [record["happening"]["event"] for record in log["records"]]


def test_a_person_takes_a_loop_from_red_to_green_in_the_ui(
    root: Path, station: Callable[..., str], environment: dict[str, str], page: Page
) -> None:
    """Run, watch, open the artifact, reject without a reason, be asked again, approve, and see the next cycle green."""
    station("up", "--repo", str(root))
    run = press_run(page, remembered(environment, "server.json")["api"].removesuffix("/api"))
    until(lambda: asked(root, 1))
    suspended(page, run)
    page.get_by_text("Artifacts", exact=True).click()
    page.locator("a[href*='/artifacts/artifact/']").first.click()
    expect(page.get_by_role("heading", name="Cycle 1: Red")).to_be_visible()
    page.goto(run)
    form = opened(page)
    asking = form.locator("article").first.bounding_box()
    assert asking
    assert asking["height"] > 200, "the question has no room"
    send(form, Your_name="Mara")
    until(lambda: asked(root, 2))
    suspended(page, run)
    form = opened(page)
    expect(form.get_by_text("say why you reject")).to_be_visible()
    send(form, Decision="approve", Your_name="Mara")
    expect(page.get_by_text("Green", exact=True).first).to_be_visible()
    page.get_by_text("Subflow Runs", exact=True).click()
    expect(page.get_by_text("cycle-2").first).to_be_visible()
    assert events(station, root) == ["asked", "refused", "asked", "approved"]
