"""Finds parcels by what stands on them."""

from parcels import shown
from serving import answer, get
from store import pool

LONGEST = 20


@get("/search")
def search(request):
    words = request.query_params.get("q", "")
    if not words:
        return answer({"error": "q is needed"}, 400)
    return answer({"q": words, "found": found(words)})


def found(words):
    with pool.connection() as db:
        rows = db.execute("SELECT * FROM parcels WHERE label LIKE ? LIMIT ?", (f"%{words}%", LONGEST)).fetchall()
    return [shown(row) for row in rows]
