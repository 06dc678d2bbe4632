import pytest
from conftest import PASSWORDS


@pytest.mark.parametrize("user", sorted(PASSWORDS))
def test_right_password(http, user):
    answer = http.post("/api/login", json={"user": user, "password": PASSWORDS[user]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["user"] == user


@pytest.mark.parametrize("password", ["lamp-ada-4", "LAMP-ADA-41", "lamp-bob-42"])
def test_wrong_then_right_password(http, password):
    answer = http.post("/api/login", json={"user": "ada", "password": password})
    assert answer.status_code == 401, answer.text
    answer = http.post("/api/login", json={"user": "ada", "password": PASSWORDS["ada"]})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("user", ["bob", "eve"])
def test_token_works(http, user):
    answer = http.post("/api/login", json={"user": user, "password": PASSWORDS[user]})
    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    assert http.get("/api/parcels", headers=headers).status_code == 200
