"""What a secret's value shows about itself."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.deploy.secrets_content import problems
from untilgreen.model.secrets import SecretProblem

EMPTY, SPACE, PLACEHOLDER, SHORT = (
    SecretProblem.EMPTY,
    SecretProblem.WHITE_SPACE,
    SecretProblem.PLACEHOLDER,
    SecretProblem.TOO_SHORT,
)
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("value", ["", " ", "\n", "\t \r\n", "\ufeff", "\u200b\n"])
def test_nothing_to_see_is_empty(value: str) -> None:
    """A value without a visible character is EMPTY, whatever invisible ones it has."""
    assert problems(value.encode(), 8) == (EMPTY,)


@pytest.mark.parametrize("value", ["{}\n", " {}", "{}\r\n", "\ufeff{}", "{}\u00a0", "\t{}"])
def test_stray_white_space(value: str) -> None:
    """White space at either end of a value of one line is a problem: services take it for a part of it."""
    assert problems(value.format("q7Zr2Lw9Xb4K").encode(), 8) == (SPACE,)


@pytest.mark.parametrize("value", [PEM, '{\n "type": "service_account"\n}\n'])
def test_documents_end_with_a_line_feed(value: str) -> None:
    """Key files and JSON documents end with a line feed by custom, and that is no problem."""
    assert problems(value.encode(), 8) == ()


@pytest.mark.parametrize(
    "value",
    [
        *("changeme", "CHANGE_ME", "change-me-please", "replace_me", "TODO", "to-do", "FIXME", "tbd", "n/a", "none"),
        *("xxx", "xxxxxxxxxxxx", "********", "000000000000", "<your-secret-here>", "<insert key>", "[secret]"),
        *("your-api-key", "YOUR_SECRET_HERE", "my-secret-key", "insert-token-here", "placeholder", "dummy-token"),
        *("${SERVICE_SECRET}", "{{ secret }}", "$(cat key)", "%SECRET%", "__TOKEN__", "password", "test-key", '""'),
    ],
)
def test_placeholders(value: str) -> None:
    """What somebody writes until there is a real value is a PLACEHOLDER, in any case and with or without quotes."""
    assert PLACEHOLDER in problems(value.encode(), 1)
    assert PLACEHOLDER in problems(f'"{value}"'.encode(), 1)


@pytest.mark.parametrize(
    "value",
    [
        "xxx-7Zr2Lw9Xb4K",
        "changeme7Zr2Lw9Xb",
        "correct horse battery staple",
        "postgres://shop:q7Zr2Lw9@db/shop",
        '["q7Zr2Lw9"]',
        "<key>q7Zr2Lw9</key>",
    ],
)
def test_real_values_may_hold_such_words(value: str) -> None:
    """Only a whole value is a placeholder; one that contains such a word may be real."""
    assert problems(value.encode(), 8) == ()


@given(st.text(string.ascii_letters + string.digits, min_size=1, max_size=40).filter(lambda v: len(set(v)) > 6))
def test_length_counts_what_can_be_seen(value: str) -> None:
    """A value is TOO_SHORT exactly when it has fewer visible characters than are asked for."""
    assert (SHORT in problems(value.encode(), 16)) == (len(value) < 16)
    assert (SHORT in problems(f"{value}\n".encode(), 16)) == (len(value) < 16)


@given(st.binary(max_size=40))
def test_any_bytes_are_judged(value: bytes) -> None:
    """Bytes that are no text are judged by their length alone, and nothing raises."""
    found = problems(value, 8)
    assert len(set(found)) == len(found)


@given(st.text(string.ascii_letters + string.digits + "-_", min_size=20, max_size=60), st.integers(10, 99))
def test_generated_keys_are_sound(value: str, number: int) -> None:
    """Keys as generators make them have no problem."""
    assert problems(f"k{value}{number}q7".encode(), 8) == ()
