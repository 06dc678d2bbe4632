"""What the check of a secret says for and against claims about it."""

from __future__ import annotations

import pytest

from untilgreen.collect.bundle import Bundle
from untilgreen.collect.runtime import secrets_seen
from untilgreen.model.analysis import Truth
from untilgreen.model.claims import ConfigMismatch, SecretMissing
from untilgreen.model.delivery import Rollout, Served, ServingStatus, Template
from untilgreen.model.document import Window
from untilgreen.model.evidence import Item, Manifest, Revision, Secret
from untilgreen.model.secrets import SecretBinding, SecretCheck, SecretProblem, SecretStatus, Severity
from untilgreen.review.claims import judge
from untilgreen.review.claims.templates import HIDDEN
from untilgreen.testing import BEGINNING
from untilgreen.triage.env import lacking
from untilgreen.triage.scene import Scene

BINDING = SecretBinding(env="KEY", secret="jwt-key", version="1")
WINDOW = Window(start=BEGINNING, end=BEGINNING)
REFUSAL = (
    "spec.template.spec.containers[0].env[0].value_from.secret_key_ref.name: Permission denied on secret: "
    "projects/moon/secrets/jwt-key/versions/1 for Revision service account app@x.test."
)
MISSING = SecretMissing(service="auth", env="KEY")
HIDDEN_VALUE = ConfigMismatch(service="auth", key="KEY", expected=HIDDEN, actual=HIDDEN)


def status(
    problem: SecretProblem | None = None, unchecked: tuple[SecretCheck, ...] = (), *, told: bool = False
) -> SecretStatus:
    """Return what the check said."""
    return SecretStatus(
        service="auth",
        binding=BINDING,
        account="app@x.test",
        problem=problem,
        severity=Severity.WARNING if told else Severity.BLOCKING,
        unchecked=unchecked,
    )


def revision(message: str = "") -> Revision:
    """Return the revision under test: ready unless the platform says something."""
    template = Template(service="auth", image="i", secrets=(BINDING,))
    return Revision(service="auth", name="auth-1", ready=not message, message=message, template=template)


def bundle(*items: Item, checked: SecretStatus | None = None) -> Bundle:
    """Return evidence, with the check's own coverage."""
    served = Served(service="auth", status=ServingStatus.FAILED)
    rollout = Rollout(
        commit="c", started=BEGINNING, finished=BEGINNING, services=(served,), secrets=(checked,) if checked else ()
    )
    gathered = secrets_seen(rollout, WINDOW)
    manifest = Manifest(
        loop="l",
        cycle=1,
        commit="c",
        window=WINDOW,
        revisions={"auth": "auth-1"},
        coverage=tuple(gathered.coverage),
        counts={},
        folder="bundle",
    )
    return Bundle(manifest, [*items, *gathered.items])


@pytest.mark.parametrize("problem", [SecretProblem.MISSING, SecretProblem.DENIED, SecretProblem.EMPTY])
def test_what_the_check_refused_supports_missing(problem: SecretProblem) -> None:
    """A secret that the check refused does not reach the service."""
    assert judge(MISSING, bundle(checked=status(problem))).truth is Truth.SUPPORTED


def test_what_the_check_confirmed_refutes_missing() -> None:
    """A bound secret that was checked to the end is not missing, and neither is one with a warning."""
    assert judge(MISSING, bundle(revision(), checked=status())).truth is Truth.REFUTED
    told = status(SecretProblem.UNPINNED, told=True)
    assert judge(MISSING, bundle(revision(), checked=told)).truth is Truth.REFUTED


def test_what_nobody_checked_refutes_nothing() -> None:
    """That nobody could look at the access is no evidence that it is there, nor is its absence from the evidence."""
    unconfirmed = status(SecretProblem.UNCONFIRMED, (SecretCheck.ACCESS,), told=True)
    evidence = bundle(revision(), checked=unconfirmed)
    assert judge(MISSING, evidence).truth is Truth.UNPROVEN
    assert evidence.covers(Secret, "auth") is None


def test_the_platforms_own_refusal_supports_missing() -> None:
    """What no check could foresee the platform says itself, when it refuses the revision; triage finds it there."""
    unconfirmed = status(SecretProblem.UNCONFIRMED, (SecretCheck.ACCESS,), told=True)
    evidence = bundle(revision(REFUSAL), checked=unconfirmed)
    assert judge(MISSING, evidence).truth is Truth.SUPPORTED
    (lack,) = lacking(Scene(evidence), ["auth"])
    assert (lack.service, lack.name, lack.words) == ("auth", "KEY", "secrets/jwt-key/")
    assert lack.words in lack.witness.text


@pytest.mark.parametrize(
    ("problem", "truth"),
    [
        (SecretProblem.WHITE_SPACE, Truth.SUPPORTED),
        (SecretProblem.UNEQUAL, Truth.SUPPORTED),
        (SecretProblem.MISSING, Truth.UNPROVEN),
    ],
)
def test_a_wrong_value_is_a_mismatch(problem: SecretProblem, truth: Truth) -> None:
    """A value that was seen to be wrong supports a mismatch whose values nobody may see."""
    assert judge(HIDDEN_VALUE, bundle(checked=status(problem))).truth is truth
