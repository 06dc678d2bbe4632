"""People exchange their password for a token at auth."""

import pytest
from people import EVERYONE, NEIGHBOURS, PEOPLE
from tampering import claims_of

WRONG_PASSWORDS = {
    "empty": lambda _right: "",
    "in capitals": str.upper,
    "with a blank behind": lambda right: f"{right} ",
    "cut off": lambda right: right[:-1],
}


@pytest.mark.parametrize("user", EVERYONE)
def test_a_token_names_its_user_and_their_roles(auth, user):
    answer = auth.post("/token", json={"user": user, "password": PEOPLE[user]["password"]})
    assert answer.status_code == 200
    claims = claims_of(answer.json()["token"])
    assert answer.json()["user"] == claims["sub"] == user
    assert claims["roles"] == PEOPLE[user]["roles"]


@pytest.mark.parametrize("lifetime", [0, 1, 59, 60, 900, 3599, 3600])
def test_a_token_lives_as_long_as_asked(auth, lifetime):
    wish = {"user": "ada", "password": PEOPLE["ada"]["password"], "lifetime_s": lifetime}
    answer = auth.post("/token", json=wish).json()
    claims = claims_of(answer["token"])
    assert answer["expires_in"] == claims["exp"] - claims["iat"] == lifetime


def test_a_token_lives_an_hour_unless_asked(auth):
    answer = auth.post("/token", json={"user": "ada", "password": PEOPLE["ada"]["password"]}).json()
    claims = claims_of(answer["token"])
    assert answer["expires_in"] == claims["exp"] - claims["iat"] == 3600


@pytest.mark.parametrize("lifetime", [-1, 3601, 1.5, "60", True, None, [60]])
def test_an_impossible_lifetime_is_refused(auth, lifetime):
    wish = {"user": "ada", "password": PEOPLE["ada"]["password"]}
    answer = auth.post("/token", json=wish | {"lifetime_s": lifetime})
    assert answer.status_code == 400
    assert answer.json() == {"error": "lifetime_s must be a whole number from 0 to 3600"}
    assert auth.post("/token", json=wish | {"lifetime_s": 60}).json()["expires_in"] == 60


@pytest.mark.parametrize("how", WRONG_PASSWORDS)
@pytest.mark.parametrize("user", EVERYONE[::4])
def test_a_wrong_password_opens_nothing_and_locks_nobody_out(auth, user, how):
    right = PEOPLE[user]["password"]
    answer = auth.post("/token", json={"user": user, "password": WRONG_PASSWORDS[how](right)})
    assert answer.status_code == 401
    assert answer.json() == {"error": "wrong user or password"}
    assert auth.post("/token", json={"user": user, "password": right}).json()["user"] == user


@pytest.mark.parametrize(("user", "other"), NEIGHBOURS[::2])
def test_nobody_signs_in_with_the_password_of_another(auth, user, other):
    password = PEOPLE[other]["password"]
    answer = auth.post("/token", json={"user": user, "password": password})
    assert answer.status_code == 401
    assert answer.json() == {"error": "wrong user or password"}
    assert auth.post("/token", json={"user": other, "password": password}).json()["user"] == other


@pytest.mark.parametrize("user", ["", "nobody", "Ada", "ada ", "ada\x00", "../ada", "äda", "a" * 300])
def test_an_unknown_user_is_told_no_more_than_a_wrong_password(auth, user):
    password = PEOPLE["ada"]["password"]
    answer = auth.post("/token", json={"user": user, "password": password})
    assert answer.status_code == 401
    assert answer.json() == {"error": "wrong user or password"}
    assert auth.post("/token", json={"user": "ada", "password": password}).json()["user"] == "ada"


@pytest.mark.parametrize("payload", ["", "no json", "[]", "{}", '{"user": "ada"}', '{"password": "x"}'])
def test_a_login_without_user_or_password_is_refused(auth, payload):
    answer = auth.post("/token", content=payload)
    assert answer.status_code == 400
    assert answer.json() == {"error": "user and password must be texts"}
    assert auth.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize("password", [None, 1, True, [], {}, ["lantern-ada-11"]])
def test_a_password_must_be_a_text(auth, password):
    answer = auth.post("/token", json={"user": "ada", "password": password})
    assert answer.status_code == 400
    assert answer.json() == {"error": "user and password must be texts"}
    assert auth.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize("secret", [None, "", "guess", "SERVICE_SECRET", "shared secret", "0" * 48])
def test_only_services_of_ours_may_ask_whose_a_token_is(auth, sign_in, secret):
    ada = sign_in("ada")
    headers = {} if secret is None else {"X-Call-Made": "1772442720000", "X-Call-Signature": secret}
    answer = auth.post("/check", json={"token": ada.token}, headers=headers)
    assert answer.status_code == 403
    assert answer.json() == {"error": "service call refused"}
    assert ada.get("/api/agents").json()["owner"] == "ada"
