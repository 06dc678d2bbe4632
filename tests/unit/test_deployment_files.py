"""What lies in deployments/ fits the code that it is for."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from google.cloud import monitoring_v3, run_v2, secretmanager_v1
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client

from untilgreen.settings import parse

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deployments"
POOL: dict[str, Any] = json.loads((FOLDER / "cloud-run-pool.json").read_text())
CLIENTS = (
    run_v2.ServicesClient,
    run_v2.RevisionsClient,
    LoggingServiceV2Client,
    secretmanager_v1.SecretManagerServiceClient,
    monitoring_v3.MetricServiceClient,
)


def calls() -> set[str]:
    """Return the methods of Google's clients that the adapters call."""
    known = {
        name
        for client in CLIENTS
        for name, method in inspect.getmembers(client, inspect.isfunction)
        if "request" in inspect.signature(method).parameters
    }
    trees = [ast.parse(file.read_text()) for file in (ROOT / "untilgreen/adapters").glob("*.py")]
    return {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & known


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading of iam.md."""
    part = (FOLDER / "iam.md").read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_call_to_google_has_its_permission_and_role() -> None:
    """No call of an adapter is missing in the table, and none in the table was given up."""
    table = {re.findall(r"`(\w+)`", call)[0]: (permission, role) for call, permission, role in CALLS}
    assert set(table) == calls()
    for permission, role in table.values():
        assert re.search(r"`\w+\.\w+\.\w+`|^none: ", permission)
        assert re.search(r"`roles/[\w.]+`", role)


CALLS = rows("What is called, and what each call needs")


def test_every_role_that_a_call_needs_is_granted_with_a_reason() -> None:
    """The roles of the calls are among those of the loop, and each grant says on what and why."""
    grants = rows("What each role is for")
    given = {role.strip("`") for identity, role, _, _ in grants if identity == "loop"}
    assert {role for *_, cell in CALLS for role in re.findall(r"roles/[\w.]+", cell)} <= given
    assert all(on and why for _, _, on, why in grants)


def test_roles_that_messages_name_are_in_the_table() -> None:
    """What an adapter's message tells people to grant to the loop, the table grants, too."""
    said = {
        role
        for name in ("doctor_google", "cloud_run")
        for role in re.findall(r"roles/[\w.]*\w", (ROOT / f"untilgreen/adapters/{name}.py").read_text())
    }
    assert said
    assert said <= {role.strip("`") for _, role, _, _ in rows("What each role is for")}


@pytest.mark.parametrize("name", ["staging", "production"])
def test_settings_of_each_environment_can_be_used(name: str) -> None:
    """They are valid, they deploy to Google Cloud, and only staging mends without being asked."""
    settings = parse((FOLDER / f"{name}.yaml").read_text())
    assert settings.cloud.target == "gcp"
    assert settings.approve.mode == {"staging": "policy", "production": "ask"}[name]


def test_the_pool_uses_what_it_declares() -> None:
    """Each variable of the Cloud Run pool is explained, typed and used, and nothing else is asked for."""
    declared = POOL["variables"]["properties"]
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(POOL["job_configuration"])))
    assert used == set(declared)
    assert all(field["title"] and field["description"] for field in declared.values())
    assert set(POOL["variables"]["required"]) <= used
    assert not [name for name, field in declared.items() if "PREFECT_API_AUTH_STRING" in json.dumps(field)]


@pytest.mark.slow
def test_the_cloud_run_worker_takes_the_pool() -> None:
    """Prefect's own Cloud Run worker makes a job of it: our image, mount and account, and the word by its name only."""
    worker = pytest.importorskip("prefect_gcp.workers.cloud_run_v2", reason="untilgreen[gcp] is not installed")
    values = {name: field["default"] for name, field in POOL["variables"]["properties"].items() if "default" in field}
    nobody = worker.GcpCredentials.model_construct(project="your-project-id")
    filled = _filled(POOL["job_configuration"], values)
    made = worker.CloudRunWorkerJobV2Configuration(**filled, credentials=nobody)
    made._populate_env()
    made._populate_or_format_command()
    job = made.job_body["template"]["template"]
    (container,) = job["containers"]
    assert container["image"] == values["image"]
    assert container["volumeMounts"][0]["name"] == job["volumes"][0]["name"]
    (word,) = (one for one in container["env"] if one["name"] == "PREFECT_API_AUTH_STRING")
    assert word["valueSource"]["secretKeyRef"] == {"secret": "prefect-auth", "version": "latest"}


def _filled(node: Any, values: dict[str, Any]) -> Any:
    """Put the variables in, as Prefect does: what has no value is left out."""
    if isinstance(node, dict):
        filled = {key: _filled(part, values) for key, part in node.items()}
        return {key: part for key, part in filled.items() if part is not None}
    if isinstance(node, list):
        return [_filled(part, values) for part in node]
    found = re.fullmatch(r"\{\{ (\w+) \}\}", node) if isinstance(node, str) else None
    return values.get(found[1]) if found else node


def test_the_image_is_pinned_and_runs_as_nobody_special() -> None:
    """Bases have versions, packages come from the lock, root is left behind, and no secret is put in."""
    lines = (FOLDER / "Dockerfile").read_text()
    assert all(re.search(r"=[\d.]+", arg) for arg in re.findall(r"^ARG (.+)$", lines, re.MULTILINE))
    assert set(re.findall(r"^FROM (\S+)", lines, re.MULTILINE)) == {"ghcr.io/astral-sh/uv:${UV}", "python:${PYTHON}"}
    assert all("--frozen" in step for step in re.findall(r"^RUN uv sync.*$", lines, re.MULTILINE))
    assert int(re.findall(r"^USER (\d+)$", lines, re.MULTILINE)[-1]) > 0
    assert not re.search(r"AUTH_STRING|PASSWORD|API_KEY|TOKEN", lines)


def test_what_the_image_is_built_from_gets_into_it() -> None:
    """All that the wheel is made of is let through by .dockerignore, and what is private is not."""
    let = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert let >= {
        "flows",
        "tasks",
        "deployments",
        "examples",
        "untilgreen",
        "prefect.yaml",
        "pyproject.toml",
        "uv.lock",
    }
    assert not let & {".git", ".venv", ".untilgreen", "tests"}
