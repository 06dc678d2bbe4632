import pytest


@pytest.mark.parametrize("user", ["ada", "bob"])
@pytest.mark.parametrize("grams", [0, 1, 250, 50_000])
def test_taken_in(at_desk, user, grams):
    parcel = at_desk(user).parcel("a lamp", grams)
    assert parcel["owner"] == user
    assert parcel["grams"] == grams
    assert parcel["state"] == "in the depot"


@pytest.mark.parametrize("label", ["a lamp", "  two lamps ", "Lampe für Ödön", "灯"])
def test_label_is_kept(ada, label):
    parcel = ada.parcel(label)
    assert parcel["label"] == label.strip()
    assert ada.get(f"/api/parcels/{parcel['number']}").json() == parcel


@pytest.mark.parametrize("grams", [-1, 50_001, 1.5, "12", None])
def test_impossible_weight(ada, grams):
    answer = ada.post("/api/parcels", {"label": "a lamp", "grams": grams})
    assert answer.status_code == 400
    assert "grams" in answer.json()["error"]
    assert ada.get("/api/parcels").status_code == 200


@pytest.mark.parametrize("label", ["", "  ", None, 7])
def test_label_is_needed(ada, label):
    answer = ada.post("/api/parcels", {"label": label})
    assert answer.status_code == 400
    assert answer.json() == {"error": "a label is needed"}
    assert ada.get("/api/parcels").status_code == 200


@pytest.mark.parametrize("label", ["x", "y"])
def test_guests_take_nothing_in(at_desk, label):
    answer = at_desk("eve").post("/api/parcels", {"label": label})
    assert answer.status_code == 403
    assert answer.json() == {"error": "only clerks may do this"}
    assert at_desk("eve").get("/api/parcels").json() == {"parcels": []}


@pytest.mark.parametrize("number", ["0" * 12, "nothing", "f" * 12])
def test_unknown_number(ada, number):
    answer = ada.get(f"/api/parcels/{number}")
    assert answer.status_code == 404
    assert answer.json() == {"error": "no such parcel"}
    assert ada.get("/api/parcels").status_code == 200


@pytest.mark.parametrize("user", ["ada", "bob"])
def test_newest_is_listed(at_desk, user):
    desk = at_desk(user)
    number = desk.parcel()["number"]
    assert number in [parcel["number"] for parcel in desk.get("/api/parcels").json()["parcels"]]


def test_list_by_state(ada):
    number = ada.parcel()["number"]
    found = ada.get("/api/parcels", state="in the depot")
    assert number in [parcel["number"] for parcel in found.json()["parcels"]]
