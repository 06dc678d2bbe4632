"""What accounts does wrong, and the gateway complains about."""

from __future__ import annotations

from benchmarks.faults.catalogue.decoys import CLERKS, TOKENS, WEIGHTS
from benchmarks.faults.fault import Cause, Commit, Edit, Fault, Stage, sign

_SLOW = Commit(
    "slow",
    "Make guessing passwords tiresome",
    (
        Edit(
            "accounts/directory.py",
            "        return isinstance(password, str) and hmac",
            "        time.sleep(THINK_S)\n        return isinstance(password, str) and hmac",
        ),
        Edit("accounts/directory.py", "import hmac\n", "import hmac\nimport time\n"),
        Edit("accounts/directory.py", "@dataclass(frozen=True)\n", "THINK_S = 3\n\n\n@dataclass(frozen=True)\n"),
    ),
)
_RETRIES = Commit("retries", "Try accounts three times", (Edit("gateway/upstream.py", "TRIES = 2", "TRIES = 3"),))

F16 = Fault(
    "F16",
    "accounts takes three seconds longer",
    (
        Stage(
            (_SLOW, _RETRIES, WEIGHTS),
            causes=(
                Cause(
                    "slow",
                    ("e2e/test_login.py::*",),
                    right=(
                        sign("code_defect", path="accounts/directory.py"),
                        sign("regressed_by", commit="@slow", path="accounts/directory.py"),
                    ),
                    path=((sign("timed_out", service="accounts"), sign("dependency_unreachable", callee="accounts")),),
                    services=("accounts", "gateway"),
                    files=("accounts/directory.py", "gateway/upstream.py"),
                ),
            ),
        ),
    ),
)

_DESKS = Commit(
    "desks",
    "Tell where people sit",
    (
        Edit(
            "accounts/directory.py",
            '"role": person.role, "team": person.team}',
            '"role": person.role, "team": person.team, "floor": FLOORS[person.team]}',
        ),
        Edit(
            "accounts/directory.py",
            "def find(user):",
            'FLOORS = {"North": 1, "South": 2, "Visitors": 0}\n\n\ndef find(user):',
        ),
    ),
)
_TALKATIVE = Commit(
    "talkative",
    "Say more about each try",
    (
        Edit(
            "gateway/upstream.py",
            '            logger.error("accounts: try %s of %s: %s", number, TRIES, error)\n',
            """            logger.error("accounts: try %s of %s: %s", number, TRIES, error)
            for name, value in (("method", method), ("path", path), ("patience", PATIENCE_S), ("body", body)):
                logger.error("accounts: %s was %s", name, value)
""",
        ),
    ),
)

F17 = Fault(
    "F17",
    "accounts crashes again and again, and the gateway logs far more",
    (
        Stage(
            (TOKENS, _DESKS, _TALKATIVE),
            causes=(
                Cause(
                    "crash",
                    ("e2e/test_me.py::*",),
                    right=(
                        sign("code_defect", path="accounts/directory.py"),
                        sign("regressed_by", commit="@desks", path="accounts/directory.py"),
                    ),
                    path=(
                        (
                            sign("error_raised", service="accounts", exception="*KeyError"),
                            sign("service_down", service="accounts"),
                        ),
                    ),
                    services=("accounts", "gateway"),
                    files=("accounts/directory.py", "accounts/main.py"),
                    some=True,  # what the circuit breaker lets run
                ),
            ),
            collateral=("e2e/*",),
        ),
    ),
)

_NAMES = Commit(
    "names",
    "Call teams by their full names",
    (
        Edit("accounts/directory.py", '"team": person.team}', '"team": TEAMS.get(person.team)}'),
        Edit(
            "accounts/directory.py",
            "def find(user):",
            'TEAMS = {"N": "north", "S": "south", "V": "visitors"}\n\n\ndef find(user):',
        ),
    ),
)

F28 = Fault(
    "F28",
    "accounts answers None, and the gateway cannot use it",
    (
        Stage(
            (_NAMES, CLERKS, WEIGHTS),
            causes=(
                Cause(
                    "none",
                    ("e2e/test_me.py::*",),
                    right=(
                        sign("code_defect", path="accounts/directory.py"),
                        sign("regressed_by", commit="@names", path="accounts/directory.py"),
                    ),
                    path=((sign("error_raised", service="gateway", exception="*AttributeError"),),),
                    services=("accounts", "gateway"),
                    files=("accounts/directory.py", "gateway/people.py"),
                ),
            ),
        ),
    ),
)
