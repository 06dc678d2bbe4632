import pytest


@pytest.mark.parametrize("user", ["ada", "bob", "eve"])
@pytest.mark.parametrize("number", range(3))
def test_found_by_its_label(at_desk, word, user, number):
    parcel = at_desk("ada").parcel(f"{word} {number}")
    answer = at_desk(user).get("/api/search", q=word)
    assert answer.status_code == 200, answer.text
    assert answer.json()["found"] == [parcel]


def test_not_found(ada, word):
    assert ada.get("/api/search", q=word).json() == {"q": word, "found": []}


def test_words_are_needed(ada):
    answer = ada.get("/api/search")
    assert answer.status_code == 400
    assert answer.json() == {"error": "q is needed"}
    assert ada.get("/api/search", q="lamp").status_code == 200
