import pytest

PATHS = ["/api/me", "/api/parcels", "/api/reports/weekly", "/api/search?q=lamp"]


@pytest.mark.parametrize("path", PATHS)
def test_without_a_token(http, path):
    answer = http.get(path)
    assert answer.status_code == 401
    assert answer.json() == {"error": "a bearer token is needed"}
    assert http.get("/health").status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", ["no-token", "a.b"])
def test_with_what_is_no_token(http, path, token):
    answer = http.get(path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.json() == {"error": "this is no token"}
    assert http.get("/health").status_code == 200


@pytest.mark.parametrize("path", PATHS[1:])
def test_with_a_token_that_somebody_changed(http, token_of, path):
    token = token_of("ada")
    headers = {"Authorization": f"Bearer {token[:-3]}AAA"}
    assert http.get(path, headers=headers).status_code == 403
    assert http.get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 200
