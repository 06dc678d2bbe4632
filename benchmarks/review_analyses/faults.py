"""More faults: what an analysis may claim and none of the benchmark's twenty is about."""

from __future__ import annotations

import secrets

from google.cloud import secretmanager_v1
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from benchmarks.faults.catalogue.decoys import CLERKS, LOGGER, TOKENS, WEIGHTS
from benchmarks.faults.fault import Cause, Commit, Edit, Fault, Stage, sign
from benchmarks.faults.place import Site
from untilgreen.adapters.google_connection import connect

_ME = ("e2e/test_me.py::*",)

_DRAFTS = Commit("drafts", "Keep drafts out of images", (Edit("gateway/.dockerignore", "", "*.md\nwire*\n"),))

G01 = Fault(
    "G01",
    "an ignore rule keeps a module out of the image",
    (
        Stage(
            (CLERKS, _DRAFTS, WEIGHTS),
            causes=(
                Cause(
                    "drafts",
                    ("e2e/*",),
                    right=(
                        sign("file_excluded", service="gateway", path="*wire.py"),
                        sign("regressed_by", commit="@drafts", path="gateway/.dockerignore"),
                    ),
                    path=((sign("file_excluded", service="gateway"),),),
                    services=("gateway",),
                    files=("gateway/.dockerignore", "gateway/wire.py"),
                ),
            ),
            runs=False,
        ),
    ),
)

_TABLES = Commit("tables", "Expect tables", (Edit("e2e/test_me.py", '"NORTH DESK"', '"NORTH TABLE"'),))

G02 = Fault(
    "G02",
    "a test expects what nobody promised",
    (
        Stage(
            (TOKENS, _TABLES, LOGGER),
            causes=(
                Cause(
                    "tables",
                    ("e2e/test_me.py::test_who_am_i*ada*",),
                    right=(
                        sign("test_defect", nodeid="e2e/test_me.py::*"),
                        sign("regressed_by", commit="@tables", path="e2e/test_me.py"),
                    ),
                    path=((sign("http_failure", service="gateway"),),),
                    services=("gateway",),
                    files=("e2e/test_me.py",),
                ),
            ),
        ),
    ),
)

_SUFFIX = Commit(
    "suffix", "Name the database like the others", (Edit("untilgreen.yaml", "depot.sqlite3", "depot.sqlite"),)
)

G03 = Fault(
    "G03",
    "a setting names another database",
    (
        Stage(
            (LOGGER, _SUFFIX),
            causes=(
                Cause(
                    "suffix",
                    tuple(f"e2e/test_{name}.py::*" for name in ("parcels", "moves", "search", "a_reports")),
                    right=(
                        sign("setting_changed", service="depot", key="DEPOT_DB"),
                        sign("config_mismatch", service="depot", key="DEPOT_DB"),
                        sign("regressed_by", commit="@suffix", path="untilgreen.yaml"),
                    ),
                    path=((sign("error_raised", service="depot", exception="*OperationalError"),),),
                    services=("depot", "gateway"),
                    files=("untilgreen.yaml",),
                    some=True,
                ),
            ),
            collateral=("e2e/*",),
        ),
    ),
)


def add_version(site: Site) -> None:
    """Add a sound version to the service key, as a rotation does."""
    kind = secretmanager_v1.SecretManagerServiceClient
    client = connect(kind, SecretManagerServiceGrpcTransport, site.endpoint)
    payload = secretmanager_v1.SecretPayload(data=secrets.token_urlsafe(30).encode())
    client.add_secret_version(parent="projects/emulator-moon/secrets/service-key", payload=payload)


_ROTATE = Commit(
    "rotate",
    "Rotate the service key",
    (Edit("untilgreen.yaml", "service-key:1\n\nsecrets:", "service-key:2\n\nsecrets:"),),
)

G04 = Fault(
    "G04",
    "a secret is rotated for one of the two services that share it",
    (
        Stage(
            (CLERKS, _ROTATE, WEIGHTS),
            before=add_version,
            causes=(
                Cause(
                    "rotate",
                    _ME,
                    right=(
                        sign("secret_apart", service="gateway", env="SERVICE_KEY"),
                        sign("config_mismatch", key="SERVICE_KEY"),
                        sign("setting_changed", service="gateway", key="SERVICE_KEY"),
                        sign("regressed_by", commit="@rotate", path="untilgreen.yaml"),
                    ),
                    path=((sign("auth_rejected", service="accounts"), sign("http_failure", status="403")),),
                    services=("gateway", "accounts"),
                    files=("untilgreen.yaml",),
                ),
            ),
        ),
    ),
)

_GROUP = Commit(
    "group",
    "Call teams groups",
    (Edit("accounts/directory.py", '"team": person.team}', '"group": person.team}'),),
)

G05 = Fault(
    "G05",
    "accounts renames a field that the gateway reads",
    (
        Stage(
            (TOKENS, _GROUP, WEIGHTS),
            causes=(
                Cause(
                    "group",
                    _ME,
                    right=(
                        sign("contract_broken", producer="accounts", consumer="gateway", field="team"),
                        sign("code_defect", path="accounts/directory.py"),
                        sign("regressed_by", commit="@group", path="accounts/directory.py"),
                    ),
                    path=((sign("error_raised", service="gateway", exception="*KeyError"),),),
                    services=("accounts", "gateway"),
                    files=("accounts/directory.py", "gateway/people.py"),
                ),
            ),
        ),
    ),
)


def _bad_day(site: Site) -> None:
    """Let another team's tollgate have a bad day."""
    site.gate.turn(0.04, seed=3)


G06 = Fault(
    "G06",
    "4 % random 503, and failures are run again",
    (
        Stage(
            (WEIGHTS,),
            deployed=_bad_day,
            causes=(
                Cause(
                    "chance",
                    ("e2e/*",),
                    right=(sign("flaky", nodeid="e2e/*"),),
                    path=((sign("flaky"),),),
                    services=("gateway",),
                    files=(),
                    some=True,
                ),
            ),
        ),
    ),
)

_NEXT_DOOR = Commit(
    "door",
    "Ask accounts next door",
    (
        Edit(
            "untilgreen.yaml",
            'ACCOUNTS_URL: "{accounts.url}"\n      DEPOT',
            'ACCOUNTS_URL: "http://127.0.0.1:9"\n      DEPOT',
        ),
    ),
)

G08 = Fault(
    "G08",
    "the gateway asks accounts where nobody listens",
    (
        Stage(
            (CLERKS, _NEXT_DOOR, LOGGER),
            causes=(
                Cause(
                    "door",
                    _ME,
                    right=(
                        sign("dependency_unreachable", service="gateway", callee="accounts"),
                        sign("config_mismatch", service="gateway", key="ACCOUNTS_URL"),
                        sign("setting_changed", service="gateway", key="ACCOUNTS_URL"),
                        sign("regressed_by", commit="@door", path="untilgreen.yaml"),
                    ),
                    path=((sign("http_failure", service="gateway", status="504"),),),
                    services=("gateway",),
                    files=("untilgreen.yaml",),
                ),
            ),
            collateral=("e2e/*",),
        ),
    ),
)

MORE = {fault.id: fault for fault in (G01, G02, G03, G04, G05, G06, G08)}
"""All of them, by their ids."""
