"""Whether a runtime account may read a secret: what its own policy tells, and what it does not."""

from __future__ import annotations

import base64
import os
import subprocess
import sys

import pytest
from google.iam.v1 import policy_pb2

from tests.contract.moon import PROJECT, Moon
from tests.contract.vault import VALUES, plant
from untilgreen.adapters.secret_manager_access import ACCESSOR, judged
from untilgreen.model.secrets import SecretCheck, SecretProblem

ANN = "ann@x.test"


def policy(role: str = ACCESSOR, member: str = f"serviceAccount:{ANN}", condition: str = "") -> policy_pb2.Policy:
    """Return a policy with one binding."""
    made = policy_pb2.Policy()
    bound = made.bindings.add(role=role, members=[member])
    bound.condition.expression = condition
    return made


@pytest.mark.parametrize("role", [ACCESSOR, "roles/secretmanager.admin", "roles/owner"])
def test_a_grant_is_a_grant(role: str) -> None:
    """An unconditional grant on the secret itself lets the account read it."""
    assert judged(policy(role), "s", ANN) == (None, None)


@pytest.mark.parametrize(
    "granted",
    [
        policy(role="roles/secretmanager.viewer"),
        policy(member="serviceAccount:other@x.test"),
        policy(condition="request.time < timestamp('2030-01-01T00:00:00Z')"),
        policy_pb2.Policy(),
    ],
)
def test_no_grant_is_no_refusal(granted: policy_pb2.Policy) -> None:
    """Without a certain grant on the secret nobody knows: a grant on the project or above cannot be seen in it."""
    found, unchecked = judged(granted, "s", ANN)
    assert found
    assert found.problem is SecretProblem.UNCONFIRMED
    assert ANN in found.message
    assert unchecked is SecretCheck.ACCESS


READER = """
import logging, resource, sys
class Everything(logging.Handler):
    def emit(self, record):
        print(vars(record))
logging.basicConfig(level=logging.DEBUG, handlers=[Everything()])
logging.getLogger("google").setLevel(logging.DEBUG)
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
from untilgreen.adapters.secret_manager import SecretManager
from untilgreen.model.secrets import SecretBinding
vault = SecretManager(sys.argv[1], sys.argv[2])
print(vault.check("app", SecretBinding(env="KEY", secret="good"), "app@x.test").model_dump_json())
print(repr(vars(vault)), repr(vars(vault._values)), vault._values._readings)
print("core", resource.getrlimit(resource.RLIMIT_CORE)[0])
"""


def test_nothing_of_a_value_is_printed(moon: Moon) -> None:
    """Even with every logger turned up no log line, repr or document shows a value, and no core file can be written."""
    plant(moon, VALUES)
    kept = {key: value for key, value in os.environ.items() if key != "GOOGLE_SDK_PYTHON_LOGGING_SCOPE"}
    done = subprocess.run(
        [sys.executable, "-c", READER, PROJECT, moon.endpoint], capture_output=True, text=True, check=True, env=kept
    )
    assert VALUES["good"] not in done.stdout + done.stderr
    assert base64.b64encode(VALUES["good"].encode()).decode() not in done.stdout + done.stderr
    assert "core 0" in done.stdout
