"""Figures."""

from serving import answer, get
from store import pool


@get("/reports/weekly")
def weekly(request):
    owner = request.query_params["owner"]
    with pool.connection() as db:
        count = db.execute("SELECT count(*) FROM parcels WHERE owner = ?", (owner,)).fetchone()[0]
        moved = db.execute("SELECT count(*) FROM parcels WHERE owner = ? AND state <> 'in the depot'", (owner,))
        moved = moved.fetchone()[0]
    return answer({"owner": owner, "taken_in": count, "moved": moved, "share": share(moved, count)})


def share(part, whole):
    """Return a share in percent; of nothing it is nothing."""
    return round(100 * part / whole) if whole else 0


@get("/reports/weights")
def weights(_request):
    with pool.connection() as db:
        rows = db.execute("SELECT grams FROM parcels").fetchall()
    heavy = sum(row["grams"] > 10_000 for row in rows)
    return answer({"parcels": len(rows), "heavy": heavy})
