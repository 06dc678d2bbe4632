"""`untilgreen init` and `untilgreen doctor` on a project that nobody here knows, up to proven green."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.shop_project import SETTINGS, Done, Project, commit
from untilgreen.adapters.local_cloud import emulator
from untilgreen.settings import parse

pytestmark = pytest.mark.slow


def findings(done: Done, check: str) -> list[dict[str, Any]]:
    """Return what the doctor says about one thing."""
    return [finding for finding in json.loads(done.out)["findings"] if finding["check"] == check]


def test_init_doctor_and_run_lead_to_green(project: Project, untilgreen: Callable[..., Done]) -> None:
    """What init writes for a project without settings is enough: the doctor finds nothing, the loop ends green."""
    root = project(**{"untilgreen.yaml": None})
    begun = untilgreen("init", "--repo", root, "--json")
    assert begun.code == 0, begun.err
    assert json.loads(begun.out)["services"] == ["shop"]
    commit(root, "begin with untilgreen")
    examined = untilgreen("doctor", "--repo", root, "--json")
    assert examined.code == 0, examined.out + examined.err
    assert {finding["result"] for finding in json.loads(examined.out)["findings"]} == {"ok"}
    done = untilgreen("run", "--repo", root, "--json")
    assert done.code == 0, done.err
    (cycle,) = json.loads(done.out)["cycles"]
    assert cycle["counts"] == {"collected": 6, "passed": 6}


def test_the_doctor_goes_on_after_a_problem(project: Project, untilgreen: Callable[..., Done]) -> None:
    """Wrong settings are exit 2 with their line, and what does not depend on them is still looked at."""
    root = project(**{"untilgreen.yaml": SETTINGS.replace("workers", "wrokers")})
    done = untilgreen("doctor", "--repo", root, "--json")
    assert done.code == 2
    (wrong,) = findings(done, "settings")
    assert "untilgreen.yaml:8: suite.wrokers" in wrong["seen"]
    assert [finding["result"] for finding in findings(done, "tests")] == ["not_checked"]
    assert [finding["result"] for finding in findings(done, "git")] == ["ok"]
    assert findings(done, "disk")


def test_the_doctor_tries_the_tests_without_running_them(project: Project, untilgreen: Callable[..., Done]) -> None:
    """A test file that cannot be imported is a problem with its error; uncommitted files are a warning."""
    root = project(**{"e2e/test_broken.py": "import no_such_module_anywhere\n"})
    (root / "forgotten.py").write_text("x = 1\n")
    done = untilgreen("doctor", "--repo", root, "--json")
    assert done.code == 2
    (broken,) = findings(done, "tests")
    assert "no_such_module_anywhere" in broken["seen"]
    (dirty,) = findings(done, "repository")
    assert (dirty["result"], "forgotten.py" in dirty["seen"]) == ("warning", True)


def test_a_secret_that_is_not_there_is_the_clouds_problem(project: Project, untilgreen: Callable[..., Done]) -> None:
    """Exit 3; each binding is named, with what to do."""
    bound = SETTINGS.replace(
        "    health:", "    account: shop@emulator-moon\n    secrets: {KEY: 'no-key:1'}\n    health:"
    )
    done = untilgreen("doctor", "--repo", project(**{"untilgreen.yaml": bound}), "--json")
    assert done.code == 3, done.out
    (missing,) = findings(done, "secrets")
    assert "KEY <- no-key:1: missing" in missing["seen"]
    assert missing["advice"]


def test_an_emulator_that_is_not_there_is_the_clouds_problem(project: Project, untilgreen: Callable[..., Done]) -> None:
    """Exit 3; all APIs are unreachable, secrets are not checked, and the rest is still looked at."""
    gone = "cloud: {endpoint: '127.0.0.1:9'}\n" + SETTINGS
    done = untilgreen("doctor", "--repo", project(**{"untilgreen.yaml": gone}), "--json")
    assert done.code == 3, done.out
    assert {finding["result"] for finding in findings(done, "apis")} == {"problem"}
    assert [finding["result"] for finding in findings(done, "secrets")] == ["not_checked"]
    assert [finding["result"] for finding in findings(done, "tests")] == ["ok"]


def test_a_folder_without_a_repository_is_a_message(tmp_path: Path, untilgreen: Callable[..., Done]) -> None:
    """Exit 2, no traceback, and the machine is looked at all the same."""
    done = untilgreen("doctor", "--repo", tmp_path)
    assert done.code == 2
    assert "there is no git repository" in done.out
    assert "git version" in done.out
    assert "Traceback" not in done.err


def test_a_commit_is_deployed_without_a_loop(project: Project, untilgreen: Callable[..., Done]) -> None:
    """`deploy` names the revision that serves; `--dry-run` shows what would change and deploys nothing."""
    root = project()
    planned = untilgreen("deploy", "--repo", root, "--dry-run")
    assert planned.code == 0, planned.err
    assert "shop" in planned.out
    done = untilgreen("deploy", "--repo", root, "--json")
    assert done.code == 0, done.err
    (served,) = json.loads(done.out)["rollout"]["services"]
    assert served["status"] == "serving"


def test_init_takes_over_what_is_deployed(project: Project, tmp_path: Path, untilgreen: Callable[..., Done]) -> None:
    """Of a running emulator the services are taken over, with images and references; the draft is usable at once."""
    cloud = tmp_path / "cloud"
    with emulator(cloud, None) as endpoint:
        there = f"cloud: {{endpoint: '{endpoint}', state: '{cloud}'}}\n"
        root = project(**{"untilgreen.yaml": there + SETTINGS})
        assert untilgreen("deploy", "--repo", root).code == 0
        begun = untilgreen("init", "--repo", root, "--force", "--from-emulator", endpoint, "--json")
    assert begun.code == 0, begun.err
    assert json.loads(begun.out)["services"] == ["shop"]
    shop = parse((root / "untilgreen.yaml").read_text()).services["shop"]
    assert (shop.image, shop.source, shop.health.path) == ("registry.example/shop", "shop", "/health")


def test_a_deploy_that_does_not_serve_is_exit_3(project: Project, untilgreen: Callable[..., Done]) -> None:
    """The platform's words are shown, and what ended the container."""
    done = untilgreen("deploy", "--repo", project(**{"shop/main.py": "raise SystemExit(3)\n"}))
    assert done.code == 3
    assert "failed" in done.out
    assert "not healthy" in done.out
