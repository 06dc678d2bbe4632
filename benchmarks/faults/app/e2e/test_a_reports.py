import pytest


@pytest.mark.parametrize("user", ["ada", "bob", "eve"])
@pytest.mark.parametrize("number", range(4))
def test_weekly(at_desk, user, number):
    answer = at_desk(user).get("/api/reports/weekly", n=number)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report["owner"] == user
    assert 0 <= report["share"] <= 100
    assert report["moved"] <= report["taken_in"]


@pytest.mark.parametrize("user", ["ada", "eve"])
def test_weights(at_desk, user):
    answer = at_desk(user).get("/api/reports/weights")
    assert answer.status_code == 200, answer.text
    assert answer.json()["heavy"] <= answer.json()["parcels"]
