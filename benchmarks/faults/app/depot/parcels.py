"""Parcels, one by one."""

import uuid

from serving import answer, get, post
from store import pool

SHOWN = ("number", "owner", "label", "grams", "state")


@post("/parcels")
def create(request):
    wish = request.state.body
    label, grams = wish.get("label"), wish.get("grams", 0)
    if not isinstance(label, str) or not label.strip():
        return answer({"error": "a label is needed"}, 400)
    if type(grams) is not int or not 0 <= grams <= 50_000:
        return answer({"error": "grams must be a whole number up to 50000"}, 400)
    parcel = {
        "number": uuid.uuid4().hex[:12],
        "owner": wish["owner"],
        "label": label.strip(),
        "grams": grams,
        "state": "in the depot",
    }
    with pool.connection() as db:
        db.execute("INSERT INTO parcels VALUES (:number, :owner, :label, :grams, :state)", parcel)
    return answer(parcel, 201)


@get("/parcels")
def listing(request):
    owner, state = request.query_params["owner"], request.query_params.get("state", "%")
    with pool.connection() as db:
        query = "SELECT * FROM parcels WHERE owner = ? AND state LIKE ? ORDER BY rowid DESC LIMIT 20"
        rows = db.execute(query, (owner, state)).fetchall()
    return answer({"parcels": [shown(row) for row in rows]})


@get("/parcels/{number}")
def show(request):
    row = find(request.path_params["number"])
    return answer(shown(row)) if row else answer({"error": "no such parcel"}, 404)


@post("/parcels/{number}/state")
def move(request):
    number, state = request.path_params["number"], request.state.body["state"]
    with pool.connection() as db:
        db.execute("UPDATE parcels SET state = ? WHERE number = ?", (state, number))
    return answer(shown(find(number)))


def find(number):
    with pool.connection() as db:
        return db.execute("SELECT * FROM parcels WHERE number = ?", (number,)).fetchone()


def shown(row):
    return {name: row[name] for name in SHOWN}
