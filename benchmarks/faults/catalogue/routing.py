"""What goes wrong at the door: routes, traffic, noise, and nothing at all."""

from __future__ import annotations

import sqlite3

from benchmarks.faults.catalogue.decoys import CLERKS, LOGGER, TOKENS, WEIGHTS
from benchmarks.faults.fault import Cause, Commit, Edit, Fault, Stage, sign
from benchmarks.faults.place import Site
from untilgreen.model.delivery import Rollout

_GROUP = Commit(
    "group",
    "Register what clients do with parcels together",
    (
        Edit(
            "gateway/routes.py",
            """    web.get("/api/parcels", parcels.listing),
    web.post("/api/parcels", parcels.create),
    web.get("/api/parcels/{number}", parcels.show),
    web.post("/api/parcels/{number}/dispatch", parcels.dispatch),
    web.post("/api/parcels/{number}/recall", parcels.recall),
""",
            "    *PARCELS,\n",
        ),
        Edit(
            "gateway/routes.py",
            "ROUTES = [\n",
            """PARCELS = [
    web.get("/api/parcels", parcels.listing),
    web.post("/api/parcels", parcels.create),
    web.get("/api/parcels/{number}", parcels.show),
]

ROUTES = [
""",
        ),
    ),
)

F06 = Fault(
    "F06",
    "two routes are missing after a refactoring",
    (
        Stage(
            (TOKENS, _GROUP, CLERKS),
            causes=(
                Cause(
                    "routes",
                    ("e2e/test_moves.py::*",),
                    right=(
                        sign("regressed_by", commit="@group", path="gateway/routes.py"),
                        sign("code_defect", path="gateway/routes.py"),
                    ),
                    path=(
                        (
                            sign("endpoint_missing", service="gateway", path="*/dispatch"),
                            sign("endpoint_missing", service="gateway", path="*/recall"),
                        ),
                    ),
                    services=("gateway",),
                    files=("gateway/routes.py",),
                ),
            ),
        ),
    ),
)

_OWNER = ('parcel["owner"] != caller["sub"]', 'parcel["owner"] != caller["user"]')
_MOVED = ("e2e/test_moves.py::test_moved*", "e2e/test_moves.py::test_not_that_of_somebody_else*")
_USER = Commit("user", "Compare users by their names", (Edit("gateway/parcels.py", *_OWNER),))
_SUB = Commit("fix", "Compare users by what their tokens say", (Edit("gateway/parcels.py", *reversed(_OWNER)),))


def _pin(site: Site) -> None:
    """Give the gateway's traffic back to the revision before, as somebody does in the console."""
    before = site.shop.ledger.recall(site.cycle - 1, Rollout)
    assert before
    site.shop.services.route("gateway", before.of("gateway").revision)


F32 = Fault(
    "F32",
    "a fix is deployed and gets no traffic",
    (
        Stage(
            (CLERKS, _USER),
            causes=(
                Cause(
                    "user",
                    _MOVED,
                    right=(
                        sign("code_defect", path="gateway/parcels.py"),
                        sign("regressed_by", commit="@user", path="gateway/parcels.py"),
                    ),
                    path=((sign("error_raised", service="gateway", exception="*KeyError"),),),
                    services=("gateway",),
                    files=("gateway/parcels.py",),
                ),
            ),
        ),
        Stage(
            (_SUB,),
            deployed=_pin,
            causes=(
                Cause(
                    "traffic",
                    _MOVED,
                    right=(sign("config_mismatch", service="gateway", key="traffic"),),
                    path=((sign("config_mismatch", service="gateway", key="traffic"),),),
                    services=("gateway",),
                    files=(),
                ),
            ),
        ),
    ),
)

_LIMIT = Commit(
    "limit",
    "Let clients say how much they want to find",
    (
        Edit(
            "gateway/parcels.py",
            'await ask_depot(request, "GET", "/search", query=dict(request.query))',
            'await ask_depot(request, "GET", "/search", query={**request.query, "limit": request.query["limit"]})',
        ),
    ),
)
_STUBBORN = Commit(
    "stubborn",
    "Do not give a message up at once",
    (
        Edit(
            "depot/outbox.py",
            """    try:
        message = json.loads(row["body"])
    except ValueError as error:
        logger.error("message %s cannot be told: %s", row["rowid"], error)
        return
    logger.info("told %s", message["event"])
""",
            """    for _ in range(TRIES):
        try:
            message = json.loads(row["body"])
        except ValueError as error:
            logger.error("message %s cannot be told: %s", row["rowid"], error)
        else:
            logger.info("told %s", message["event"])
            return
""",
        ),
        Edit(
            "depot/outbox.py",
            'logger = logging.getLogger("outbox")\n',
            'logger = logging.getLogger("outbox")\nTRIES = 100_000\n',
        ),
    ),
)


def _poison(site: Site) -> None:
    """Leave a message that nobody can read."""
    with sqlite3.connect(site.database) as database:
        database.execute("INSERT INTO outbox VALUES ('{\"event\": moved}')")


F36 = Fault(
    "F36",
    "a poison message is logged 100,000 times beside a fault",
    (
        Stage(
            (_STUBBORN, _LIMIT, LOGGER),
            before=_poison,
            causes=(
                Cause(
                    "limit",
                    ("e2e/test_search.py::*", "e2e/test_bearer.py::test_with_a_token_that_somebody_changed*search*"),
                    right=(
                        sign("code_defect", path="gateway/parcels.py", symbol="search"),
                        sign("regressed_by", commit="@limit", path="gateway/parcels.py"),
                    ),
                    path=((sign("error_raised", service="gateway", exception="*KeyError"),),),
                    services=("gateway",),
                    files=("gateway/parcels.py",),
                ),
            ),
        ),
    ),
)

_STATUS = Commit(
    "status",
    "Name what the tollgate lets through",
    (
        Edit("gateway/limits.py", "if answer.status != 200:", "if answer.status != OPEN:"),
        Edit("gateway/limits.py", "from upstream import session\n", "from upstream import session\n\nOPEN = 200\n"),
    ),
)
_ONCE = Commit(
    "once",
    "Do not run failures again, the night is short",
    (Edit("untilgreen.yaml", "  workers: 4\n", "  workers: 4\n  reruns: 0\n"),),
)


SEED = 5
"""Hits six of the first 160 requests: enough to see, and within what 2 % may give."""


def _two_percent(site: Site) -> None:
    """Let another team's tollgate have a bad day."""
    site.gate.turn(0.02, seed=SEED)


F40 = Fault(
    "F40",
    "2 % random 503 and no fault in the code",
    (Stage((_STATUS, _ONCE, WEIGHTS), deployed=_two_percent, collateral=("e2e/*",)),),
)
