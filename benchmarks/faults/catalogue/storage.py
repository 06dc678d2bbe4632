"""What goes wrong in the depot: memory, the database, and an exception that nobody hears of."""

from __future__ import annotations

from benchmarks.faults.catalogue.decoys import CLERKS, LOGGER, TOKENS
from benchmarks.faults.fault import Cause, Commit, Edit, Fault, Planted, Stage, sign

_UNDO = Commit(
    "undo",
    "Keep manifests so that they can be undone",
    (
        Edit(
            "depot/manifests.py",
            """    return answer({"rows": len(rows),""",
            """    kept = [[field * 40 for field in row] for row in rows for _ in range(40)]
    if len(kept) < len(rows):
        return answer({"error": "cannot be undone"}, 400)
    return answer({"rows": len(rows),""",
        ),
    ),
)


def _memory(about: str, first: dict[str, object], service: str, words: str) -> dict[str, object]:
    """Return what an analyst says who blames the memory."""
    exhausted = {"type": "resource_exhausted", "service": service, "resource": "memory", "blocked": "request"}
    return {
        "author": "capacity-bot",
        "about": about,
        "whys": [
            {"question": "Why do these tests fail?", "answer": "Requests fail.", "claim": first, "quotes": []},
            {"question": "And why?", "answer": words, "claim": exhausted, "quotes": []},
        ],
        "confidence": 0.95,
    }


_TOO_BIG = {"type": "http_failure", "service": "gateway", "method": "POST", "path": "/api/manifests", "status": 503}

F12 = Fault(
    "F12",
    "big payloads take more memory than there is",
    (
        Stage(
            (TOKENS, _UNDO, LOGGER),
            causes=(
                Cause(
                    "memory",
                    ("e2e/test_manifests.py::test_big*",),
                    right=(
                        sign("resource_exhausted", service="depot", resource="memory"),
                        sign("code_defect", path="depot/manifests.py"),
                        sign("regressed_by", commit="@undo", path="depot/manifests.py"),
                    ),
                    path=((sign("resource_exhausted", service="depot", resource="memory"),),),
                    services=("depot", "gateway"),
                    files=("depot/manifests.py",),
                ),
            ),
            collateral=("e2e/*",),
        ),
    ),
    planted=(
        Planted(
            true=True,
            record=_memory(
                "e2e/test_manifests.py::test_big*",
                _TOO_BIG,
                "depot",
                "The depot's instances are killed for their memory.",
            ),
        ),
    ),
)

CURSOR = Commit(
    "cursor",
    "Read all moved parcels at once",
    # All rows are read, so that no statement stays open on the connection: in some runs an open one refused others
    # their writing ("database is locked"), a second fault that depends on when the garbage is collected.
    (Edit("depot/reports.py", "moved = moved.fetchone()[0]", "moved = moved.fetchall()"),),
)
CURSOR_CAUSE = Cause(
    "cursor",
    ("e2e/test_a_reports.py::test_weekly*", "e2e/test_bearer.py::test_with_a_token_that_somebody_changed*weekly*"),
    right=(
        sign("code_defect", path="depot/reports.py"),
        sign("regressed_by", commit="@cursor", path="depot/reports.py"),
    ),
    path=((sign("error_raised", service="depot", exception="*TypeError"),),),
    services=("depot", "gateway"),
    files=("depot/reports.py", "depot/serving.py"),
)
_UNWELL = {"type": "http_failure", "service": "gateway", "method": "GET", "path": "/api/reports/weekly", "status": 503}

F13 = Fault(
    "F13",
    "somebody blames the memory, and it is flat",
    (Stage((CLERKS, CURSOR), causes=(CURSOR_CAUSE,)),),
    planted=(
        Planted(
            true=False,
            record=_memory(
                "e2e/test_a_reports.py::*",
                _UNWELL,
                "depot",
                "The depot's 256 MiB are not enough for reports; it sheds requests.",
            ),
        ),
        Planted(
            true=False,
            record=_memory(
                "e2e/test_a_reports.py::*", _UNWELL, "gateway", "The gateway runs out of memory under 4 workers."
            ),
        ),
    ),
)

_NOTES = Commit(
    "notes",
    "Find parcels by their notes as well",
    (
        Edit(
            "depot/migrations/0003_notes.sql",
            "",
            "CREATE TABLE notes (\n    number TEXT NOT NULL REFERENCES parcels (number),\n    text TEXT NOT NULL\n);\n",
        ),
        Edit(
            "depot/search.py",
            'db.execute("SELECT * FROM parcels WHERE label LIKE ? LIMIT ?", (f"%{words}%", LONGEST))',
            'db.execute(QUERY, (f"%{words}%", f"%{words}%", LONGEST))',
        ),
        Edit(
            "depot/search.py",
            "LONGEST = 20\n",
            '''LONGEST = 20
QUERY = """
    SELECT DISTINCT parcels.* FROM parcels LEFT JOIN notes USING (number)
    WHERE parcels.label LIKE ? OR notes.text LIKE ? LIMIT ?
"""
''',
        ),
    ),
)
_SEARCHES = ("e2e/test_search.py::*", "e2e/test_bearer.py::test_with_a_token_that_somebody_changed*search*")

F24 = Fault(
    "F24",
    "a migration was not run",
    (
        Stage(
            (CLERKS, _NOTES, TOKENS),
            causes=(
                Cause(
                    "migration",
                    _SEARCHES,
                    right=(
                        sign("regressed_by", commit="@notes", path="depot/*"),
                        sign("config_mismatch", service="depot"),
                    ),
                    path=((sign("error_raised", service="depot", exception="*OperationalError"),),),
                    services=("depot", "gateway"),
                    files=("depot/search.py", "depot/migrations/0003_notes.sql", "depot/migrate.py"),
                ),
            ),
        ),
    ),
)

_LEAK = Commit(
    "leak",
    "Report with one connection from beginning to end",
    (
        Edit(
            "depot/reports.py",
            """    with pool.connection() as db:
        count = db.execute("SELECT count(*) FROM parcels WHERE owner = ?", (owner,)).fetchone()[0]
        moved = db.execute("SELECT count(*) FROM parcels WHERE owner = ? AND state <> 'in the depot'", (owner,))
        moved = moved.fetchone()[0]
    return""",
            """    db = pool.take()
    count = db.execute("SELECT count(*) FROM parcels WHERE owner = ?", (owner,)).fetchone()[0]
    moved = db.execute("SELECT count(*) FROM parcels WHERE owner = ? AND state <> 'in the depot'", (owner,))
    moved = moved.fetchone()[0]
    return""",
        ),
    ),
)
_WITH_DATABASE = tuple(f"e2e/test_{name}.py::*" for name in ("parcels", "moves", "search"))

F25 = Fault(
    "F25",
    "one endpoint leaks connections, and the others starve",
    (
        Stage(
            (TOKENS, _LEAK, CLERKS),
            causes=(
                Cause(
                    "leak",
                    _WITH_DATABASE,
                    right=(
                        sign("code_defect", path="depot/reports.py", symbol="weekly"),
                        sign("regressed_by", commit="@leak", path="depot/reports.py"),
                    ),
                    path=((sign("error_raised", service="depot", exception="*PoolTimeout"),),),
                    services=("depot", "gateway"),
                    files=("depot/reports.py", "depot/store.py"),
                    some=True,
                ),
            ),
            collateral=("e2e/*",),
        ),
    ),
)

_LENIENT = Commit(
    "lenient",
    "Search in all words that stand on a parcel",
    (
        Edit(
            "depot/search.py",
            'return answer({"q": words, "found": found(words)})',
            """try:
        return answer({"q": words, "found": found(words)})
    except Exception:
        return answer({})""",
        ),
        Edit("depot/search.py", "WHERE label LIKE ? LIMIT ?", "WHERE labels LIKE ? LIMIT ?"),
    ),
)

F29 = Fault(
    "F29",
    "an exception is swallowed: 200 with an empty body",
    (
        Stage(
            (TOKENS, _LENIENT, LOGGER),
            causes=(
                Cause(
                    "swallowed",
                    ("e2e/test_search.py::test_found_by_its_label*", "e2e/test_search.py::test_not_found"),
                    right=(
                        sign("code_defect", path="depot/search.py"),
                        sign("regressed_by", commit="@lenient", path="depot/search.py"),
                    ),
                    path=((sign("http_failure", status="200"),),),
                    services=("depot", "gateway"),
                    files=("depot/search.py",),
                ),
            ),
        ),
    ),
)
