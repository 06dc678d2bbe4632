"""Lists of parcels, as text: a line each, label and grams."""

from serving import answer, post


@post("/manifests")
def take_in(request):
    rows = [line.split(";") for line in request.state.body["text"].splitlines() if line]
    wrong = [number for number, row in enumerate(rows, 1) if len(row) != 2 or not row[1].isdigit()]
    if wrong:
        return answer({"error": "wrong lines", "lines": wrong[:10]}, 400)
    return answer({"rows": len(rows), "grams": sum(int(grams) for _, grams in rows)})
