"""The form that people fill in to start a loop."""

from __future__ import annotations

from typing import Any

import pytest

from flows.beginning import Request
from flows.loop import until_green
from tests.flows.test_shards_deployment import DEPLOYED

FORM = until_green.parameters.definitions["Request"]["properties"]
LOOPS = [deployment for deployment in DEPLOYED["deployments"] if deployment["name"] != "shard"]


def kinds(field: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a field may hold, empty apart."""
    return [kind for kind in field.get("anyOf", [field]) if kind.get("type") != "null"]


@pytest.mark.parametrize("name", FORM)
def test_every_parameter_is_a_field_of_its_own(name: str) -> None:
    """A title, a description, a default, and one plain type: nobody types JSON."""
    field = FORM[name]
    (kind,) = kinds(field)
    assert field["title"].lower() != name or name == "repository"
    assert field["description"]
    assert "default" in field
    assert kind["type"] in {"string", "integer", "boolean"}


def test_choices_and_limits_are_in_the_form() -> None:
    """What is wrong is refused before a worker is asked: approval is chosen from a list, cycles are counted."""
    assert kinds(FORM["approve"])[0]["enum"] == ["policy", "ask", "never"]
    assert (kinds(FORM["max_cycles"])[0]["minimum"], kinds(FORM["max_cycles"])[0]["maximum"]) == (1, 50)
    assert until_green.parameters.definitions["Request"]["additionalProperties"] is False


@pytest.mark.parametrize("deployment", LOOPS, ids=lambda deployment: deployment["name"])
def test_parameters_of_each_deployment_fit_the_form(deployment: dict[str, Any]) -> None:
    """What prefect.yaml fills in is accepted, and what does not fit is refused by the server."""
    assert Request.model_validate(deployment["parameters"]["request"])
    assert deployment["enforce_parameter_schema"] is True


def test_one_cycle_never_fixes() -> None:
    """The deployment that only looks has one cycle, and nobody who could approve."""
    (one,) = (d["parameters"]["request"] for d in LOOPS if d["name"] == "one-cycle")
    assert (one["approve"], one["max_cycles"]) == ("never", 1)
