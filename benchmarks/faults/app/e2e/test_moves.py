import pytest

VERBS = {"dispatch": "on the road", "recall": "called back"}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("user", ["ada", "bob"])
@pytest.mark.parametrize("number", range(2))
def test_moved(at_desk, verb, user, number):
    desk = at_desk(user)
    parcel = desk.parcel(f"lamp {number}")
    answer = desk.post(f"/api/parcels/{parcel['number']}/{verb}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == VERBS[verb]
    assert desk.get(f"/api/parcels/{parcel['number']}").json()["state"] == VERBS[verb]


@pytest.mark.parametrize("verb", VERBS)
def test_not_that_of_somebody_else(at_desk, verb):
    parcel = at_desk("bob").parcel()
    answer = at_desk("ada").post(f"/api/parcels/{parcel['number']}/{verb}")
    assert answer.status_code == 403
    assert answer.json() == {"error": "this is the parcel of somebody else"}


@pytest.mark.parametrize("verb", VERBS)
def test_not_one_that_is_not_there(ada, verb):
    answer = ada.post(f"/api/parcels/{'0' * 12}/{verb}")
    assert answer.status_code == 404
    assert answer.json() == {"error": "no such parcel"}
    assert ada.get("/api/parcels").status_code == 200
