"""Planted secrets: whatever services and tests do with them, no output of a whole loop holds one."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import duckdb
import pytest

from tests.acceptance.shop_project import SERVICE, SETTINGS, TESTS, Done, Project

pytestmark = pytest.mark.slow

ACCOUNT = "shop@emulator-moon.iam.gserviceaccount.com"
CANARIES = {
    "canary-token": "q7Zr+2Lw9/Xb4K&c8Vn=1Tm6Yq0",
    "canary-quoted": 'Hs8"Dk5\\Jf0<Ga2>Ue7 Yb4é9Pw3',
    "canary-long": "".join(f"Kx{number:03d}qZ" for number in range(90)),
    "canary-file": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"
    "-----END PRIVATE KEY-----\n",
}
"""Letters that every encoding writes in another way; one that pytest cuts off; one of several lines."""

CHATTY = """
import base64, urllib.parse
SECRETS = [os.environ[name] for name in ("TOKEN", "QUOTED", "LONG", "FILE")]
def forms(secret):
    raw = secret.encode()
    yield secret
    yield repr(secret)
    yield base64.b64encode(raw).decode()
    yield base64.b64encode(b"user:" + raw).decode()
    yield base64.urlsafe_b64encode(b"a" + raw).decode()
    yield urllib.parse.quote(secret, safe="")
    yield urllib.parse.quote_plus(secret)
    yield json.dumps(secret)
for secret in SECRETS:
    for form in forms(secret):
        print("starting with", form, flush=True)
        line = {"severity": "WARNING", "message": "starting with " + form, "more": {"form": form}}
        print(json.dumps(line), flush=True)
"""

ECHOING = SERVICE.replace("class Shop", f"{CHATTY}\nclass Shop", 1).replace(
    '        item = self.path.rsplit("/", 1)[1]\n',
    '        item = self.path.rsplit("/", 1)[1]\n'
    '        if item == "boom":\n'
    '            raise ValueError("cannot use " + SECRETS[0] + " and " + SECRETS[2])\n'
    '        if item == "echo":\n'
    '            return {"secrets": SECRETS, "forms": [form for s in SECRETS for form in forms(s)]}\n',
    1,
)

TELLING = (
    TESTS
    + """

def echo():
    return httpx.get(os.environ["SHOP_URL"] + "/items/echo").json()

def test_error_answer():
    answer = httpx.get(os.environ["SHOP_URL"] + "/items/boom")
    assert answer.status_code == 200, answer.text

def test_echo():
    answer = echo()
    print(answer)
    assert answer == {}

@pytest.mark.parametrize("number", range(4))
def test_path(number):
    import urllib.parse
    secret = echo()["secrets"][number]
    path = "/items/" + urllib.parse.quote(secret, safe="") + "?token=abc123def456"
    answer = httpx.get(os.environ["SHOP_URL"] + path)
    assert answer.json()["item"] == secret

@pytest.mark.parametrize("number", range(32))
def test_form(number):
    form = echo()["forms"][number]
    assert form == "", "this came: " + form
"""
)

BOUND = SETTINGS.replace(
    "    health:",
    f"    account: {ACCOUNT}\n"
    "    secrets: {TOKEN: canary-token:1, QUOTED: canary-quoted:1, LONG: canary-long:1, FILE: canary-file:1}\n"
    "    health:",
)

SEED = json.dumps(
    {
        "project": "emulator-moon",
        "secrets": {name: {"value": value, "accessors": [ACCOUNT]} for name, value in CANARIES.items()},
    }
)

PROJECT = {
    "untilgreen.yaml": "cloud: {seed: seed.yaml}\n" + BOUND,
    "seed.yaml": SEED,
    ".gitignore": ".untilgreen/\nseed.yaml\n",
    "shop/main.py": ECHOING,
    "e2e/test_shop.py": TELLING,
}


DYING = ECHOING.replace("class Shop", "raise ValueError(SECRETS)\nclass Shop", 1)
UNCOLLECTED = """
import os, httpx
raise ValueError(httpx.get(os.environ["SHOP_URL"] + "/items/echo").text)
"""


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({}, 1, id="serving"),
        pytest.param({"shop/main.py": DYING}, 3, id="dying"),
        pytest.param({"e2e/conftest.py": UNCOLLECTED}, 4, id="tests that cannot start"),
    ],
)
def test_no_output_holds_a_secret(
    changes: dict[str, str | None], code: int, project: Project, untilgreen: Callable[..., Done], home: Path
) -> None:
    """Services log secrets and echo them, tests print them, and no file, terminal or database of a loop has one."""
    root = project(**{**PROJECT, **changes})
    done = untilgreen("run", "--repo", root, "--json")
    assert done.code == code, done.err[-3000:]
    assert planted(root), "the canary never sang: nothing is shown by this run"
    leaks = [
        f"{where}: {name} as {form}"
        for where, text in outputs(root, home, done)
        for name, form, needle in needles()
        if needle in text
    ]
    assert leaks == []


def planted(root: Path) -> bool:
    """Tell whether the cloud's own log has a canary, and the loop's files its mask."""
    logs = (file for file in (root / ".untilgreen/emulator").rglob("*") if file.is_file())
    logged = any(CANARIES["canary-token"].encode() in file.read_bytes() for file in logs)
    return logged and any("[redacted:canary-token]" in text for _, text in files(root / ".untilgreen/loops"))


def needles() -> Iterator[tuple[str, str, str]]:
    """Go through the forms in which a canary would be recognised, written down again here on purpose."""
    for name, value in CANARIES.items():
        raw = value.encode()
        yield name, "raw", value
        yield name, "JSON", json.dumps(value)[1:-1]
        yield name, "repr", repr(value)[1:-1]
        yield name, "a part", value[8:31]
        yield name, "its last part", value[-23:] if name == "canary-long" else value
        yield name, "URL", quote(value, safe="")
        yield name, "form", quote_plus(value)
        for before in (b"", b"a", b"ab"):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                yield name, f"base64 at {len(before)}", encode(before + raw).decode()[4:-4]


def outputs(root: Path, home: Path, done: Done) -> Iterator[tuple[str, str]]:
    """Go through everything that a loop leaves behind but the cloud itself."""
    yield "standard output", done.out
    yield "standard error", done.err
    yield from files(root / ".untilgreen/loops")
    yield from files(home)


def files(folder: Path) -> Iterator[tuple[str, str]]:
    """Go through all files, and what the compressed ones and databases among them hold."""
    for file in folder.rglob("*"):
        if not file.is_file():
            continue
        where = str(file.relative_to(folder))
        yield where, file.read_bytes().decode("utf-8", "replace")
        if file.suffix == ".parquet":
            with duckdb.connect() as parquet:
                yield (
                    where,
                    "\n".join(map(str, parquet.execute("SELECT * FROM read_parquet(?)", [str(file)]).fetchall())),
                )
        elif file.suffix == ".db":
            with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as prefect:
                yield where, "\n".join(prefect.iterdump())
