"""Refused images: one incident for a cause, a chain that the review approves, and everything else masked."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.unit.gate_loop import Refused, cycle
from untilgreen.collect.bundle import Bundle, load
from untilgreen.model.analysis import Decision
from untilgreen.model.delivery import SecretProblem, ServingStatus
from untilgreen.model.evidence import GateSeen, ImageContent
from untilgreen.review.gate import review
from untilgreen.testing import FakeSecrets
from untilgreen.triage.step import triage

YAML = """\
services:
  auth: {source: auth, image: r.test/auth}
  web:
    source: web
    image: r.test/web
    depends_on: [auth]
"""
BASE = {
    "untilgreen.yaml": YAML,
    "auth/Procfile": "web: python main.py\n",
    "auth/main.py": "a = 1\n",
    "web/Procfile": "web: python main.py\n",
    "web/main.py": "import frames\n",
    "web/frames/__init__.py": "A = 1\n",
    "web/.dockerignore": "*.md\n",
}
HIDDEN = {**BASE, "web/.dockerignore": "*.md\n\n# recordings\n**/frames/\n"}
UNRELATED = {**HIDDEN, "auth/main.py": "a = 2\n"}


def ends_well(refused: Refused) -> None:
    """See that each cause was approved, that nothing moved, and that no test counts as observed."""
    assert [review.decision for review in refused.reviews] == [Decision.APPROVED] * len(refused.analyses)
    assert {served.status for served in refused.rollout.services} == {ServingStatus.REFUSED}
    assert [len(group.cases) for group in refused.groups if group.masked_by] == [3]
    incidents = [group for group in refused.groups if not group.masked_by]
    assert len(incidents) == len(refused.analyses)


@pytest.mark.parametrize("good", [0, 2])
def test_kept_out_file(tmp_path: Path, good: int) -> None:
    """The chain goes from the file that is kept out to the commit that brought the rule, whatever came after it."""
    refused = cycle(tmp_path, BASE, HIDDEN, UNRELATED, good=good)
    ends_well(refused)
    assert refused.claims == [
        [("file_excluded", "web/.dockerignore frames/__init__.py"), ("regressed_by", "web/.dockerignore")]
    ]
    leaf = refused.analyses[0].leaf.claim
    assert leaf.type == "regressed_by"
    assert leaf.commit == refused.history.log(refused.history.head, 3)[1].sha
    assert refused.groups[0].key == "web is refused: web/.dockerignore keeps frames/__init__.py out of the image"


def test_rollout_says_who_is_to_blame(tmp_path: Path) -> None:
    """The refused service names the rule and the file, the other one names the service."""
    refused = cycle(tmp_path, BASE, HIDDEN, good=1)
    assert refused.rollout.of("web").reason == "IMAGE_IMPORT"
    assert "web/.dockerignore:4" in refused.rollout.of("web").message
    assert refused.rollout.of("auth").reason == "OTHER_SERVICE_REFUSED"
    assert len(refused.services.applied) == 2, "what the good cycle rolled out, and nothing more"
    assert refused.rollout.of("web").serving_revision == refused.rollout.of("web").previous_revision != ""


def test_new_import_of_what_was_always_kept_out(tmp_path: Path) -> None:
    """When the rule is old, the commit that began to ask is to blame."""
    before = {**HIDDEN, "web/main.py": "import json\n"}
    refused = cycle(tmp_path, before, {**before, "web/main.py": "import json\nimport frames\n"}, good=1)
    ends_well(refused)
    assert [subject for _, subject in refused.claims[0]] == ["web/.dockerignore frames/__init__.py", "web/main.py"]


def test_source_that_does_not_parse(tmp_path: Path) -> None:
    """The chain names the line, the function around it, and the commit that brought it."""
    broken = "import frames\n\n\ndef greet(name):\n    return f(name\n"
    refused = cycle(tmp_path, BASE, {**BASE, "web/main.py": broken}, good=1)
    ends_well(refused)
    assert refused.claims == [[("code_defect", "web/main.py greet"), ("regressed_by", "web/main.py")]]


def test_one_change_that_breaks_many_files_is_one_cause(tmp_path: Path) -> None:
    """Places that one commit broke are one incident, with the others as its siblings; another commit's are another."""
    files = {f"web/m{n}.py": "a = 1\n" for n in range(4)}
    codemod = dict.fromkeys(list(files)[:3], "a = (\n")
    history = ({**BASE, **files}, {**BASE, **files, **codemod}, {**BASE, **files, **codemod, "web/m3.py": "b = [\n"})
    refused = cycle(tmp_path, *history, good=2)
    ends_well(refused)
    claims = [analysis.whys[0].claim for analysis in refused.analyses]
    assert [claim.type for claim in claims] == ["code_defect", "code_defect"]
    assert [getattr(claim, "siblings", ()) for claim in claims] == [("web/m1.py:1", "web/m2.py:1"), ()]


def test_reserved_name(tmp_path: Path) -> None:
    """The chain names the setting, its value, and the commit that set it."""
    wrong = {**BASE, "untilgreen.yaml": f"{YAML}    env:\n      PORT: '9000'\n"}
    refused = cycle(tmp_path, BASE, wrong, good=1)
    ends_well(refused)
    assert refused.claims == [[("config_mismatch", "web PORT"), ("regressed_by", "untilgreen.yaml")]]
    assert refused.rollout.of("web").reason == "IMAGE_RESERVED_ENV"


def test_wrong_port(tmp_path: Path) -> None:
    """The chain names both ports and the commit that brought the wrong one."""
    refused = cycle(tmp_path, BASE, {**BASE, "web/Procfile": "web: uvicorn main:app --port 9000\n"}, good=1)
    ends_well(refused)
    assert refused.claims == [[("config_mismatch", "web port"), ("regressed_by", "web/Procfile")]]


def test_two_causes_are_two_incidents(tmp_path: Path) -> None:
    """What is wrong independently is told at once, so that one cycle mends both."""
    refused = cycle(tmp_path, BASE, {**HIDDEN, "auth/main.py": "def f(:\n"}, good=1)
    ends_well(refused)
    assert [chain[0][0] for chain in refused.claims] == ["code_defect", "file_excluded"]


def test_refused_secret(tmp_path: Path) -> None:
    """A rollout that a secret refused is an incident as well, and the chain names the variable."""
    bound = {**BASE, "untilgreen.yaml": f"{YAML}    secrets: {{KEY: key:1}}\n"}
    secrets = FakeSecrets({"key": SecretProblem.MISSING})
    refused = cycle(tmp_path, bound, bound, secrets=secrets)
    ends_well(refused)
    assert refused.claims == [[("secret_missing", "web KEY")]]
    assert refused.groups[0].key == "web is refused: web is not given KEY"


def test_warning_is_no_incident(tmp_path: Path) -> None:
    """What the gate only warns of refuses nothing and explains nothing."""
    lazy = {**HIDDEN, "web/main.py": "def later():\n    import frames\n"}
    served = cycle(tmp_path, BASE, lazy, good=1)
    assert served.rollout.serving
    assert [seen.finding.blocking for seen in served.bundle.find(GateSeen)] == [False]
    assert served.groups == ()


def test_gate_is_covered(tmp_path: Path) -> None:
    """Every service has a record that the gate looked at it, so that an absence can be cited."""
    bundle = cycle(tmp_path, BASE, HIDDEN).bundle
    assert all(bundle.covers(GateSeen, service) for service in ("auth", "web"))
    assert bundle.covers(GateSeen, "other") is None


def test_same_bundle_same_triage(tmp_path: Path) -> None:
    """Saved, shuffled and read again, the evidence gives the same groups and chains."""
    refused = cycle(tmp_path, BASE, {**HIDDEN, "auth/main.py": "def f(:\n"}, good=1)
    refused.bundle.save(tmp_path / "bundle")
    again = load(tmp_path / "bundle")
    items = list(again.items())
    random.Random(3).shuffle(items)  # noqa: S311 - a repeatable order, no secret
    assert triage(Bundle(again.manifest, items)).model_dump_json() == triage(refused.bundle).model_dump_json()


def test_claim_that_the_gate_does_not_confirm_is_refuted(tmp_path: Path) -> None:
    """Whoever blames another line of the ignore file, or a file that is in the image, is contradicted."""
    refused = cycle(tmp_path, BASE, HIDDEN, good=1)
    analysis = refused.analyses[0]
    why = analysis.whys[0]
    wrong = why.model_copy(update={"claim": why.claim.model_copy(update={"line": 1})})
    judged = review(analysis.model_copy(update={"whys": (wrong, *analysis.whys[1:])}), refused.bundle)
    assert judged.decision is Decision.REJECTED
    assert refused.bundle.find(ImageContent, service="web")[0].digest == ""
