"""Real failures of builds, told again on files of our own; each test is named after its row of the case book."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.gate_loop import cycle
from untilgreen.adapters.command_builder import CommandBuilder
from untilgreen.adapters.ruff_checker import RuffChecker
from untilgreen.build.step import build
from untilgreen.errors import BuildFailed
from untilgreen.model.analysis import Citation, Decision, Rival
from untilgreen.model.claims import ResourceExhausted
from untilgreen.model.delivery import ServingStatus
from untilgreen.review.gate import review
from untilgreen.settings import parse
from untilgreen.testing import FakeBuilder, FakeChecker, FakeHistory

YAML = """\
services:
  backend: {source: backend, image: r.test/backend}
"""
SOUND = {
    "untilgreen.yaml": YAML,
    "backend/Procfile": "web: python main.py\n",
    "backend/Dockerfile": 'FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "main.py"]\n',
    "backend/main.py": "from monitoring import metrics\nfrom greeting import greet\n",
    "backend/greeting.py": "def greet(name):\n    return f'hello {name}'\n",
    "backend/monitoring/__init__.py": "",
    "backend/monitoring/metrics.py": "COUNT = 0\n",
    "backend/.dockerignore": "*.md\n",
}
NESTED = 'def greet(name):\n    return f"hello {f"dear {name}" if name else "you"}"\n'


def test_c01_source_for_a_newer_python(tmp_path: Path) -> None:
    """C01: what parses on a newer Python and not in the image is stopped with file, line, and the image's version."""
    refused = cycle(tmp_path, SOUND, {**SOUND, "backend/greeting.py": NESTED}, checker=RuffChecker(), good=1)
    served = refused.rollout.of("backend")
    assert served.status is ServingStatus.REFUSED
    assert "backend/greeting.py:2 does not parse under Python 3.11 (Dockerfile)" in served.message
    assert refused.claims == [[("code_defect", "backend/greeting.py greet"), ("regressed_by", "backend/greeting.py")]]
    assert refused.reviews[0].decision is Decision.APPROVED


def test_c01_blaming_memory_is_rejected(tmp_path: Path) -> None:
    """C01: an analysis that asks for more memory is refuted by the refusal itself: nothing ran that could need it."""
    refused = cycle(tmp_path, SOUND, {**SOUND, "backend/greeting.py": NESTED}, checker=RuffChecker(), good=1)
    analysis = refused.analyses[0]
    memory = analysis.whys[0].model_copy(
        update={
            "claim": ResourceExhausted(service="backend", resource="memory", blocked="deploy"),
            "because": None,
            "citations": (),
        }
    )
    judged = review(analysis.model_copy(update={"whys": (memory,)}), refused.bundle)
    assert judged.decision is Decision.REJECTED
    assert "does not parse under Python 3.11" in judged.against[0].message
    named = Rival(claim=memory.claim, citations=tuple[Citation, ...]())
    assert review(analysis.model_copy(update={"rivals": (named,)}), refused.bundle).decision is Decision.APPROVED


def test_c01_our_own_python_does_not_matter(tmp_path: Path) -> None:
    """C01: the same source is let through for an image whose Python knows it, whatever runs untilgreen."""
    newer = {**SOUND, "backend/Dockerfile": SOUND["backend/Dockerfile"].replace("3.11", "3.12")}
    served = cycle(tmp_path, SOUND, {**newer, "backend/greeting.py": NESTED}, checker=RuffChecker())
    assert served.rollout.serving


def test_c02_ignore_line_that_removes_a_package(tmp_path: Path) -> None:
    """C02: the ignore line, the import that needs the file, and the commit that brought the line are named at once."""
    tidied = {**SOUND, "backend/.dockerignore": "*.md\n**/monitoring/\n"}
    later = {**tidied, "backend/greeting.py": "def greet(name):\n    return name\n"}
    refused = cycle(tmp_path, SOUND, tidied, later, good=2)
    message = refused.rollout.of("backend").message
    assert "backend/main.py:1 asks for monitoring" in message
    assert "backend/.dockerignore:2 (**/monitoring/) keeps backend/monitoring/" in message
    leaf = refused.analyses[0].leaf.claim
    assert leaf.type == "regressed_by"
    assert leaf.commit == refused.history.log(refused.history.head, 3)[1].sha
    assert refused.reviews[0].decision is Decision.APPROVED


def test_c02_every_exclusion_is_on_record(tmp_path: Path) -> None:
    """C02: the file lists of a good and of a bad image differ by what the line took away, with rule and line."""
    tidied = {**SOUND, "backend/.dockerignore": "*.md\n**/monitoring/\n"}
    good, bad = cycle(tmp_path / "good", SOUND).images, cycle(tmp_path / "bad", SOUND, tidied).images
    lost = set(good.of("backend").files) - set(bad.of("backend").files)
    assert lost == {"monitoring/__init__.py", "monitoring/metrics.py"}
    assert {(e.path, e.line) for e in bad.of("backend").excluded} == {(path, 2) for path in lost}


def test_c25_engine_that_is_down(tmp_path: Path) -> None:
    """C25: an engine that does not answer is one clear error, before any image is built and anything is deployed."""
    settings = parse(YAML + "  auth: {source: backend, image: r.test/auth}\n")
    history = FakeHistory(("first", {path: text for path, text in SOUND.items() if not path.endswith(".yaml")}))
    down = ("sh", "-c", "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2; exit 1")
    built = FakeBuilder()
    docker = CommandBuilder(("sh", "-c", "touch built"), check=down)
    with pytest.raises(BuildFailed, match=r"(?s)the engine behind sh is down.*Cannot connect to the Docker daemon"):
        build(
            settings,
            history.head,
            history,
            builders={"backend": built, "auth": docker},
            checker=FakeChecker(),
            workdir=tmp_path / "work",
        )
    assert built.orders == []
    assert not (tmp_path / "work/built").exists()


def test_c35_reserved_name_set_by_hand(tmp_path: Path) -> None:
    """C35: an env name that the platform sets itself is refused before the rollout, with its line and its commit."""
    wrong = {**SOUND, "untilgreen.yaml": "services:\n  backend:\n    source: backend\n    image: r.test/backend\n"
             "    env: {PORT: '8000'}\n"}  # fmt: skip
    refused = cycle(tmp_path, SOUND, wrong, good=1)
    served = refused.rollout.of("backend")
    assert (served.status, served.reason) == (ServingStatus.REFUSED, "IMAGE_RESERVED_ENV")
    assert "services.backend.env.PORT: Cloud Run sets this itself" in served.message
    assert refused.images.findings[0].line == 5
    assert len(refused.services.applied) == 1, "only the good cycle before"
