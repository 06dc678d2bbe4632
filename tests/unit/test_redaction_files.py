"""Files that a run of tests leaves behind hold no secret when anybody reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from untilgreen.adapters.pytest_redaction import scrub_files
from untilgreen.redaction import Redactor, needles

VALUE = "q7Zr2Lw9Xb4Kc8Vn1Tm6"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.fixture
def redactor() -> Redactor:
    """Return one that knows a value."""
    return Redactor([needles("key", VALUE.encode())])


def event(folder: Path, redactor: Redactor, **fields: Any) -> dict[str, Any]:
    """Write one event, scrub, and read it back."""
    (folder / "events.jsonl").write_text(json.dumps(fields) + "\n")
    scrub_files(folder, "events.jsonl", redactor)
    (line, rest) = (folder / "events.jsonl").read_text().split("\n")
    assert rest == ""
    return dict(json.loads(line))


def test_events_keep_their_form(tmp_path: Path, redactor: Redactor) -> None:
    """Texts in events are scrubbed wherever they stand, and the document stays a document."""
    seen = event(
        tmp_path,
        redactor,
        event="phase",
        failure={"message": f'"{VALUE}"', "frames": [{"source": JWT}]},
        seconds=0.5,
        code=None,
    )
    assert seen["failure"] == {"message": '"[redacted:key]"', "frames": [{"source": "[redacted:token]"}]}
    assert (seen["seconds"], seen["code"]) == (0.5, None)


def test_names_of_tests_stay_names(tmp_path: Path, redactor: Redactor) -> None:
    """What only looks like a credential in a node id is a parameter, by which pytest finds the test; a value is not."""
    seen = event(tmp_path, redactor, event="end", id=f"test_a[{JWT}]", ids=[f"test_b[{VALUE}]"])
    assert seen["id"] == f"test_a[{JWT}]"
    assert seen["ids"] == ["test_b[[redacted:key]]"]


def test_torn_lines(tmp_path: Path, redactor: Redactor) -> None:
    """A line that was being written when the run was killed is scrubbed as text."""
    (tmp_path / "events.jsonl").write_text(f'{{"id": "{VALUE}')
    scrub_files(tmp_path, "events.jsonl", redactor)
    assert (tmp_path / "events.jsonl").read_text() == '{"id": "[redacted:key]'


def test_other_files(tmp_path: Path, redactor: Redactor) -> None:
    """Every file below the folder is gone through; bytes that are no text stay, and so do files without secrets."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/lastfailed").write_text(VALUE)
    (tmp_path / "binary").write_bytes(b"\xff\x00" + VALUE.encode() + b"\xfe")
    (tmp_path / "clean").write_bytes(b"\xff\x00\r\n")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    scrub_files(tmp_path, "events.jsonl", redactor)
    assert (tmp_path / "cache/lastfailed").read_text() == "[redacted:key]"
    assert (tmp_path / "binary").read_bytes() == b"\xff\x00[redacted:key]\xfe"
    assert (tmp_path / "clean").read_bytes() == b"\xff\x00\r\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["binary", "cache", "clean", "link"]
