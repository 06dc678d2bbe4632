"""Both services are there, and say who they are."""

import pytest


def test_auth_is_there(auth):
    answer = auth.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "service": "auth"}


@pytest.mark.parametrize("path", ["/health", "/api/health"])
def test_backend_is_there(backend, path):
    answer = backend.get(path)
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "service": "backend"}


@pytest.mark.parametrize("path", ["/health", "/api/health", "/api/agents"])
def test_backend_offers_no_post_where_there_is_nothing_to_change(backend, path):
    answer = backend.post(path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET,HEAD"
    assert backend.get("/health").json()["service"] == "backend"
