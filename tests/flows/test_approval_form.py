"""The form in which a person decides: short enough that what it is about can be read, and closed to anything else."""

from __future__ import annotations

import pytest
from prefect.utilities.schema_tools.validation import validate

from flows.approval import FixApproval, SignedFixApproval

SENT = {
    "decision": "approve",
    "approver": "Ada",
    "reason": "",
    "commit": "",
    "hash": "sha256:" + "0" * 64,
    "signature": "s" * 88,
    "way": "command",
}
"""As `untilgreen approve` sends it."""


def schema(form: type[FixApproval]) -> dict[str, object]:
    """Return what Prefect's server keeps of a form."""
    return form.with_initial_data(description="1 fix").model_json_schema()


def test_the_form_has_no_field_too_many() -> None:
    """The UI gives the question what the fields leave: a signature is asked for only where the settings name keys."""
    fields = ["decision", "approver", "reason", "commit"]
    assert list(schema(FixApproval)["properties"]) == fields
    assert list(schema(SignedFixApproval)["properties"]) == [*fields, "signature"]


@pytest.mark.parametrize("form", [FixApproval, SignedFixApproval])
def test_what_the_command_sends_fits_the_form(form: type[FixApproval]) -> None:
    """Hash, signature and way come through the server though they are no fields that a person sees."""
    assert not validate(SENT, schema(form))
    assert form(**SENT).model_dump(include=set(SENT)) == SENT


@pytest.mark.parametrize(
    "wrong",
    [
        {"decision": "maybe"},
        {"approver": "A"},
        {"hash": "0" * 81},
        {"signature": "s" * 201},
        {"way": "terminal"},
        {"way": 1},
        {"approved": True},
    ],
)
def test_the_server_turns_down_what_fits_no_form(wrong: dict[str, object]) -> None:
    """What the flow could not read must not resume it: it would look as if nobody had answered."""
    assert validate({**SENT, **wrong}, schema(FixApproval))


def test_an_empty_form_approves_nothing() -> None:
    """Without a name the server does not resume, and what is not chosen is a no."""
    assert validate({}, schema(FixApproval))
    assert FixApproval(approver="Ada").decision == "reject"
