"""What really went wrong with evidence, reconstructed: each test is named after its row."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from google.cloud.audit import audit_log_pb2
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.cloud.logging_v2.types import LogEntry, WriteLogEntriesRequest
from typer.testing import CliRunner

from tests.contract.moon import PROJECT, REGION, Moon, rise
from tests.unit.foreign_files import TRACE, as_array, as_lines, entry, request
from untilgreen.adapters.cloud_logging import CloudLogging
from untilgreen.adapters.cloud_run import CloudRunServices
from untilgreen.adapters.git import Git
from untilgreen.adapters.google_connection import connect
from untilgreen.cli import app
from untilgreen.collect.blame import blames
from untilgreen.collect.bundle import Bundle, load
from untilgreen.collect.changes import changes
from untilgreen.collect.log_evidence import Expected, log_evidence
from untilgreen.collect.sources import context_files
from untilgreen.errors import EvidenceIncomplete
from untilgreen.importing.step import bring_in
from untilgreen.model.claims import AuthRejected
from untilgreen.model.delivery import Template
from untilgreen.model.document import Window
from untilgreen.model.evidence import Entry, Manifest, Request
from untilgreen.ports import LogQuery
from untilgreen.redaction import Redactor
from untilgreen.triage.step import triage

PROBE = "f" * 32


@pytest.fixture(scope="module")
def moon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moon]:
    """Start an emulator."""
    with rise(tmp_path_factory.mktemp("moon"), tmp_path_factory.mktemp) as risen:
        yield risen


def around_now() -> Window:
    """Return a few minutes around now."""
    now = datetime.now(UTC)
    return Window(start=now - timedelta(minutes=2), end=now + timedelta(minutes=2))


def junit(folder: Path, message: str, trace: str = TRACE) -> Path:
    """Write the report of one failing test."""
    failure = f'<failure message="{message}">E   {message}\n\ne2e/test_it.py:9: AssertionError</failure>'
    properties = f'<properties><property name="trace" value="{trace}"/></properties>'
    case = f'<testcase classname="e2e.test_it" name="test_login">{properties}{failure}</testcase>'
    (folder / "junit.xml").write_text(f'<testsuite tests="1">{case}</testsuite>')
    return folder / "junit.xml"


def of(service: str) -> dict[str, object]:
    """Return the resource of another service."""
    return {"type": "cloud_run_revision", "labels": {"service_name": service, "revision_name": f"{service}-00001-a"}}


def test_c08_what_ran_on_a_laptop_explains_no_staging_failure(tmp_path: Path) -> None:
    """C08: a traceback that a developer's own machine logged is no entry of any service, and is cited by no chain."""
    text = 'Traceback (most recent call last):\n  File "/home/dev/app.py", line 1, in run\n    x()\nOSError: no Docker'
    laptop = entry(1, resource={"type": "global", "labels": {"project_id": "p"}}, textPayload=text, severity="ERROR")
    log = as_lines(tmp_path / "log", [laptop, request(2, status=500)])
    bundle, _ = bring_in([junit(tmp_path, "assert 500 == 200")], [log], None, Redactor())
    assert [item.service for item in bundle.find(Entry)] == ["global"]
    assert "Docker" not in triage(bundle).model_dump_json()


def test_c14_the_refusals_own_line_is_in_the_chain(tmp_path: Path) -> None:
    """C14: a refused audience looked like a network fault; joined by the trace, the 403 and its own line are there."""
    said = "token audience https://gateway.example does not match https://accounts.example"
    asked = request(1, status=502, path="/login", timestamp="2026-03-04T09:00:01.0Z")
    asked["httpRequest"]["latency"] = "0.5s"
    verified = {"resource": of("accounts"), "timestamp": "2026-03-04T09:00:01.2Z"}
    records = [
        asked,
        request(2, status=403, path="/verify", **verified),
        entry(3, textPayload=said, severity="WARNING", **verified),
        entry(4, textPayload="upstream request failed: connection error", severity="WARNING"),
        *(entry(n, textPayload="connection reset by peer", severity="ERROR", trace=None) for n in range(10, 40)),
    ]
    log = as_array(tmp_path / "log.json", list(reversed(records)))
    bundle, _ = bring_in([junit(tmp_path, "assert 502 == 200")], [log], None, Redactor())
    (analysis,) = triage(bundle).analyses
    refused = next(why for why in analysis.whys if isinstance(why.claim, AuthRejected))
    assert (refused.claim.service, refused.claim.status) == ("accounts", 403)
    assert said in [citation.quote for citation in refused.citations]
    assert "reset by peer" not in analysis.model_dump_json()


def written(moon: Moon, service: str) -> None:
    """Write one entry of each sort of payload."""
    audit = audit_log_pb2.AuditLog(method_name="ReplaceService", resource_name="shop", status={"message": "denied"})
    row = {
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": service, "revision_name": "r"}},
        "timestamp": datetime.now(UTC),
        "log_name": f"projects/{PROJECT}/logs/run.googleapis.com%2Fstdout",
    }
    proto = LogEntry(insert_id="3", **row)
    LogEntry.pb(proto).proto_payload.Pack(audit)
    rows = [
        LogEntry(insert_id="1", text_payload="plain", **row),
        LogEntry(insert_id="2", json_payload={"message": "structured", "user": 7}, **row),
        proto,
        LogEntry(insert_id="4", json_payload={"only": "fields"}, **row),
    ]
    client = connect(LoggingServiceV2Client, LoggingServiceV2GrpcTransport, moon.endpoint)
    client.write_log_entries(request=WriteLogEntriesRequest(entries=rows))


def test_c26_every_payload_has_its_message(moon: Moon, tmp_path: Path) -> None:
    """C26: only textPayload was read, and 5,000 messages were empty; all payloads are read, empty ones are counted."""
    service = moon.name()
    written(moon, service)
    found = CloudLogging(PROJECT, moon.endpoint).read(LogQuery(services=(service,), window=around_now())).entries
    said = {item.message for item in found}
    assert said == {"plain", 'structured {"user": 7}', "ReplaceService shop denied", '{"only": "fields"}'}
    empty = [entry(n, textPayload=None, jsonPayload={"n": n} if n % 2 else None) for n in range(4)]
    done = CliRunner().invoke(
        app, ["import", "--log", str(as_lines(tmp_path / "l", empty)), "--into", str(tmp_path / "e")]
    )
    assert "of the kept, 2 have an empty message (50.0%)" in done.output


def test_c28_the_log_of_a_wrong_name_is_not_healthy(moon: Moon) -> None:
    """C28: an empty log of a misspelt service was a tick; without our own request in it, its silence proves nothing."""
    service = moon.name()
    account = f"app@{PROJECT}.iam.gserviceaccount.com"
    template = Template(service=service, image=moon.good, account=account, health_path="/", startup_seconds=10)
    url = CloudRunServices(PROJECT, REGION, moon.endpoint).apply(template, f"{service}-1").url
    httpx.get(url, headers={"traceparent": f"00-{PROBE}-00f067aa0ba902b7-01"})
    logs = CloudLogging(PROJECT, moon.endpoint)
    assert logs.settled(LogQuery(services=(service,), window=around_now()), frozenset({PROBE}), 10)
    probed = {PROBE: datetime.now(UTC)}
    for name, believed in ((service, True), (f"{service}-staging", False)):
        gathered = log_evidence(logs, [name], around_now(), Expected(probes={name: probed}))
        bundle = Bundle(manifest(gathered.coverage), gathered.items)
        assert bool(bundle.covers(Entry, name)) is believed
        assert bool(bundle.covers(Request, name)) is believed
    assert any("our own request" in coverage.gap for coverage in gathered.coverage)


def manifest(coverage: list[object]) -> Manifest:
    """Return a table of contents."""
    facts = {
        "loop": "l",
        "cycle": 1,
        "commit": "c",
        "window": around_now(),
        "revisions": {},
        "counts": {},
        "folder": "b",
    }
    return Manifest.model_validate({**facts, "coverage": coverage})


def test_c29_a_written_up_log_is_no_evidence(tmp_path: Path) -> None:
    """C29: a fallback wrote its own text as "raw log"; without insertId, logName, labels it is refused, and counted."""
    invented = [{"timestamp": "2026-03-04T09:00:00Z", "severity": "ERROR", "message": "Database down"}] * 3
    file = as_array(tmp_path / "raw.json", invented)
    done = CliRunner().invoke(app, ["import", "--log", str(file), "--into", str(tmp_path / "e")])
    assert isinstance(done.exception, EvidenceIncomplete)
    assert done.exception.exit_code == 4
    assert "3 x no evidence: without insertId and logName and resource labels" in str(done.exception)
    mixed = as_array(tmp_path / "mixed.json", [*invented, entry(1)])
    done = CliRunner().invoke(app, ["import", "--log", str(mixed), "--into", str(tmp_path / "e"), "--json"])
    (intake,) = json.loads(done.output)["intakes"]
    assert (intake["read"], intake["kept"], sum(intake["refused"].values())) == (4, 1, 3)
    assert [item.message for item in load(tmp_path / "e").find(Entry)] == ["line 1"]


def fingerprint(repo: Path) -> dict[str, str]:
    """Return a digest of every file of a repository and of git's own, and when each was changed."""
    files = [path for path in repo.rglob("*") if path.is_file()]
    return {str(p): f"{hashlib.sha256(p.read_bytes()).hexdigest()} {p.stat().st_mtime_ns}" for p in files}


def test_c42_analysis_changes_nothing(tmp_path: Path) -> None:
    """C42: a "read-only" analysis made 82 commits; collect, import, triage and explain leave every byte as it was."""
    repo = tmp_path / "repo"
    repo.mkdir()
    git = [shutil.which("git") or "git", "-C", repo, "-c", "user.name=a", "-c", "user.email=a@b"]
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run([*git, "init", "-q"], env=env, check=True)
    for text in ("def get(x):\n    return x.get(1)\n", "def get(x):\n    return x[1]\n"):
        (repo / "app.py").write_text(text)
        subprocess.run([*git, "add", "."], env=env, check=True)
        subprocess.run([*git, "commit", "-qm", text[:9]], env=env, check=True)
    (repo / "app.py").write_text("# not committed\n")
    (repo / "note.txt").write_text("mine")
    before = fingerprint(repo)

    history = Git(repo)
    good = history.log("HEAD", 2)[1].sha
    gathered = changes(history, "HEAD", good, around_now())
    gathered.merge(context_files(history, {"backend": "."}, "HEAD", around_now()))
    blames(history, "HEAD", gathered.items, frozenset(), around_now())
    trouble = 'Traceback (most recent call last):\n  File "/srv/app.py", line 2, in get\n    return x[1]\nKeyError: 1'
    log = as_lines(tmp_path / "log", [request(1), entry(2, textPayload=trouble, severity="ERROR")])
    report = junit(tmp_path, "assert 500 == 200")
    given = ["--tests", report, "--log", log, "--repo", repo, "--good", good, "--into", tmp_path / "e"]
    for command in (
        ["import", *given],
        ["triage", tmp_path / "e"],
        ["explain", "test_login", "--bundle", tmp_path / "e"],
    ):
        done = CliRunner().invoke(app, [str(word) for word in command])
        assert done.exit_code == 0, done.output
    assert "return x[1]" in done.output
    assert fingerprint(repo) == before
