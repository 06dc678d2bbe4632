import os

import httpx
import pytest


@pytest.mark.parametrize("where", ["GATEWAY_URL", "ACCOUNTS_URL"])
@pytest.mark.parametrize("number", range(3))
def test_is_there(where, number):
    answer = httpx.get(os.environ[where] + "/health", params={"n": number})
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}
