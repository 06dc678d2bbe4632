"""The backend serves nobody who shows no good token, and says what is wrong with it."""

import pytest
from people import CREW, PEOPLE
from tampering import FORGERIES

PATHS = ["/api/agents", "/api/agents/{agent}/status"]

HEADERS = {
    "none": ({}, "bearer token needed"),
    "empty": ({"Authorization": ""}, "bearer token needed"),
    "basic": ({"Authorization": "Basic YWRhOmFkYQ=="}, "bearer token needed"),
    "small letters": ({"Authorization": "bearer x.y.z"}, "bearer token needed"),
    "no token": ({"Authorization": "Bearer"}, "malformed token"),
    "two tokens": ({"Authorization": "Bearer a.b.c d.e.f"}, "malformed token"),
    "empty parts": ({"Authorization": "Bearer .."}, "wrong signature"),
}


@pytest.mark.parametrize("what", HEADERS)
@pytest.mark.parametrize("path", PATHS)
def test_reading_needs_a_token(backend, sign_in, agent, path, what):
    headers, error = HEADERS[what]
    sign_in("ada").starts(agent)
    path = path.format(agent=agent)
    answer = backend.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"error": error}
    assert sign_in("ada").get(path).json()["owner"] == "ada"


@pytest.mark.parametrize("what", HEADERS)
def test_starting_needs_a_token(backend, sign_in, agent, what):
    headers, error = HEADERS[what]
    answer = backend.post(f"/api/agents/{agent}/start", json={"task": "sneak in"}, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"error": error}
    assert sign_in("ada").starts(agent)["runs"] == 1


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("user", CREW[::8])
def test_a_forged_token_reads_nothing(backend, sign_in, user, forgery):
    forge, error = FORGERIES[forgery]
    person = sign_in(user)
    answer = backend.get("/api/agents", headers={"Authorization": f"Bearer {forge(person.token)}"})
    assert answer.status_code == 401
    assert answer.json() == {"error": error}
    assert person.get("/api/agents").json()["owner"] == user


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("user", CREW[1::8])
def test_a_forged_token_starts_nothing(backend, sign_in, agent, user, forgery):
    forge, error = FORGERIES[forgery]
    person = sign_in(user)
    bearer = {"Authorization": f"Bearer {forge(person.token)}"}
    answer = backend.post(f"/api/agents/{agent}/start", json={"task": "sneak in"}, headers=bearer)
    assert answer.status_code == 401
    assert answer.json() == {"error": error}
    assert person.starts(agent)["runs"] == 1


@pytest.mark.parametrize("user", CREW[::2])
def test_a_token_whose_time_is_over_is_refused(auth, backend, user):
    wish = {"user": user, "password": PEOPLE[user]["password"], "lifetime_s": 0}
    token = auth.post("/token", json=wish).json()["token"]
    answer = backend.get("/api/agents", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.json() == {"error": "token expired"}
