"""`untilgreen run` on a project that nobody here knows: exit codes, messages, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.shop_project import SERVICE, SETTINGS, Done, Project

pytestmark = pytest.mark.slow


def test_a_sound_project_is_proven_green(project: Project, untilgreen: Callable[..., Done]) -> None:
    """Exit 0 only with every line of green proven, on the deployed revision."""
    done = untilgreen("run", "--repo", project(), "--json")
    assert done.code == 0, done.err
    (cycle,) = json.loads(done.out)["cycles"]
    assert cycle["counts"] == {"collected": 6, "passed": 6}
    assert [line["holds"] for line in cycle["verdict"]] == [True] * 5


def test_a_defect_is_red_and_its_line_is_named(project: Project, untilgreen: Callable[..., Done]) -> None:
    """Exit 1; the cause is the line that raises, found through the trace, in a service nobody has seen before."""
    broken = SERVICE.replace("return len(item) * 10", "return {'tea': 30}[item]")
    done = untilgreen("run", "--repo", project(**{"shop/main.py": broken}), "--json")
    assert done.code == 1, done.err
    (cycle,) = json.loads(done.out)["cycles"]
    assert cycle["counts"] == {"collected": 6, "passed": 1, "failed": 5}
    (cause,) = cycle["causes"]
    assert cause["leaf"]["type"] == "code_defect"
    assert cause["leaf"]["path"] == "shop/main.py"
    assert broken.splitlines()[cause["leaf"]["line"] - 1].strip() == "return {'tea': 30}[item]"


def test_a_service_that_never_listens_is_broken(project: Project, untilgreen: Callable[..., Done]) -> None:
    """Exit 3; the platform's own words are shown and no test is run into a time-out."""
    silent = "import time\ntime.sleep(600)\n"
    done = untilgreen("run", "--repo", project(**{"shop/main.py": silent}), "--json")
    assert done.code == 3, done.err
    (cycle,) = json.loads(done.out)["cycles"]
    assert cycle["color"] == "broken"
    assert "failed to start and listen on the port" in done.err


def test_a_suite_that_collects_nothing_is_not_green(project: Project, untilgreen: Callable[..., Done]) -> None:
    """Exit 4: no evidence is never green."""
    done = untilgreen("run", "--repo", project(**{"e2e/test_shop.py": "X = 1\n"}))
    assert done.code == 4, done.err


def test_a_suite_that_fakes_its_passes_is_unproven(project: Project, untilgreen: Callable[..., Done]) -> None:
    """Exit 4: tests that never reach the service pass, and prove nothing."""
    fake = "def test_price():\n    prices = {'tea': 30}\n    assert prices['tea'] == 30\n"
    done = untilgreen("run", "--repo", project(**{"e2e/test_shop.py": fake}))
    assert done.code == 4, done.err
    assert "unproven" in done.out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shop/Procfile": None}, "Procfile"),
        ({"untilgreen.yaml": SETTINGS.replace("source: shop", "source: shp")}, "shp"),
        ({"untilgreen.yaml": "cloud: {seed: nowhere.yaml}\n" + SETTINGS}, "nowhere.yaml"),
    ],
)
def test_a_mistake_is_a_message(
    changes: dict[str, str | None], message: str, project: Project, untilgreen: Callable[..., Done]
) -> None:
    """What is wrong is named in a line, without a traceback, with exit code 2 or 3."""
    done = untilgreen("run", "--repo", project(**changes))
    assert done.code in (2, 3)
    assert message in done.err
    assert "Traceback" not in done.err + done.out


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (SETTINGS.replace("workers", "wrokers"), "untilgreen.yaml:8: suite.wrokers: no such setting"),
        (None, "has no such file"),
    ],
)
def test_wrong_settings_are_said_before_anything_starts(
    settings: str | None, message: str, project: Project, untilgreen: Callable[..., Done]
) -> None:
    """Exit 2, with the message and nothing else: no server was started for it."""
    done = untilgreen("run", "--repo", project(**{"untilgreen.yaml": settings}))
    assert done.code == 2
    assert message in done.err
    assert "watch the run" not in done.err


def test_a_folder_without_a_repository_is_a_message(tmp_path: Path, untilgreen: Callable[..., Done]) -> None:
    """Exit 2, and the folder is named."""
    done = untilgreen("run", "--repo", tmp_path)
    assert done.code == 2
    assert str(tmp_path) in done.err
    assert "Traceback" not in done.err
