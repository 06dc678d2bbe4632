import pytest


@pytest.mark.parametrize("rows", [1, 2, 10, 100])
def test_small(ada, rows):
    answer = ada.send("/api/manifests", "lamp;10\n" * rows)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"rows": rows, "grams": 10 * rows}


@pytest.mark.parametrize("rows", range(20_000, 32_000, 1_000))
def test_big(ada, rows):
    answer = ada.send("/api/manifests", "lamp;10\n" * rows)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"rows": rows, "grams": 10 * rows}


@pytest.mark.parametrize("text", ["lamp", "lamp;x", "a;b;c"])
def test_wrong_line(ada, text):
    answer = ada.send("/api/manifests", f"lamp;10\n{text}\n")
    assert answer.status_code == 400
    assert answer.json() == {"error": "wrong lines", "lines": [2]}
    assert ada.send("/api/manifests", "lamp;10").json() == {"rows": 1, "grams": 10}
