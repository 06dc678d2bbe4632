"""Innocent commits: they stand between the good commit and the faulty one, and nothing fails for them."""

from __future__ import annotations

from benchmarks.faults.fault import Commit, Edit

TOKENS = Commit(
    "tokens",
    "Take tokens apart without looking twice",
    (
        Edit(
            "gateway/tokens.py",
            """    parts = token.split(".")
    if len(parts) != 3:
        raise Problem(401, "this is no token")
    signed = f"{parts[0]}.{parts[1]}"
""",
            """    if token.count(".") != 2:
        raise Problem(401, "this is no token")
    parts = token.split(".")
    signed = token.rpartition(".")[0]
""",
        ),
    ),
)

WEIGHTS = Commit(
    "weights",
    "Count heavy parcels in the database",
    (
        Edit(
            "depot/reports.py",
            """        rows = db.execute("SELECT grams FROM parcels").fetchall()
    heavy = sum(row["grams"] > 10_000 for row in rows)
    return answer({"parcels": len(rows), "heavy": heavy})
""",
            """        count, heavy = db.execute("SELECT count(*), total(grams > 10000) FROM parcels").fetchone()
    return answer({"parcels": count, "heavy": int(heavy)})
""",
        ),
    ),
)

LOGGER = Commit(
    "logger",
    "Name the process in the log of accounts",
    (
        Edit(
            "accounts/log.py",
            '"logger": record.name}',
            '"logger": record.name, "pid": record.process}',
        ),
    ),
)

CLERKS = Commit(
    "clerks",
    "Say which role clerks have in one place",
    (
        Edit("gateway/people.py", 'if caller["role"] != "clerk":', "if caller[ROLE] != CLERK:"),
        Edit(
            "gateway/people.py",
            "from wire import answer\n",
            'from wire import answer\n\nROLE, CLERK = "role", "clerk"\n',
        ),
    ),
)

PATIENCE = Commit(
    "patience",
    "Let tests wait a little longer",
    (
        Edit(
            "e2e/conftest.py",
            "with connect(url, open_timeout=20) as socket:",
            "with connect(url, open_timeout=25) as socket:",
        ),
    ),
)

SLOW_TOLL = Commit(
    "toll",
    "Warn when the tollgate is slow",
    (
        Edit(
            "gateway/limits.py",
            "    async with session(request).get",
            "    began = time.monotonic()\n    async with session(request).get",
        ),
        Edit(
            "gateway/limits.py",
            "        if answer.status != 200:",
            """        if time.monotonic() - began > TOO_SLOW_S:
            logger.warning("proxy: upstream tollgate timed out its budget of %s s", TOO_SLOW_S)
        if answer.status != 200:""",
        ),
        Edit("gateway/limits.py", "import os\n", "import logging\nimport os\nimport time\n"),
        Edit(
            "gateway/limits.py",
            "from upstream import session\n",
            'from upstream import session\n\nTOO_SLOW_S = 0.0001\nlogger = logging.getLogger("limits")\n',
        ),
    ),
)
