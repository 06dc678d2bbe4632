"""A small lending service and its tests, on which fixes are tried; everything here is made up for that."""

from __future__ import annotations

from tests.unit.review_scene import chain
from untilgreen.model.analysis import Analysis, FixReview
from untilgreen.model.analysis import Fix as Offered
from untilgreen.model.claims import Claim, CodeDefect
from untilgreen.review.fixes import review_fix
from untilgreen.review.fixes.change import Sources
from untilgreen.settings import FILE, parse
from untilgreen.testing.history import diff_of

APP = '''
"""Lending books."""

import json
import re

from web import auth, settings
from web.store import Store

NAME = re.compile(r"^[a-z][a-z-]{2,20}$")
MOST = 5


class Refused(Exception):
    """Somebody may not do this."""


def lend(request, store):
    """Lend a book."""
    auth.require_user(request)
    order = json.loads(request.body)
    if len(order["books"]) > 5:
        raise Refused("at most five books at once")
    if not NAME.match(order["name"]):
        raise Refused("no such name")
    if not auth.verify(request.headers["Authorization"]):
        return respond({"error": "who are you?"}, status=401)
    lent = [store.lend(book, order["name"]) for book in order["books"]]
    return respond({"lent": lent, "days": settings.DAYS})


def fine(days, rate):
    """Return what a late book costs."""
    late = max(0, days - settings.DAYS)
    return round(late * rate, 2)


def health(store):
    """Tell whether books can be lent."""
    return respond({"books": store.count()})


def respond(answer, status=200):
    """Return an answer as JSON."""
    return status, json.dumps(answer)


def upstream(client, path):
    """Ask the catalogue."""
    return client.get(settings.CATALOGUE + path, timeout=5, verify=True)
'''
AUTH = '''
"""Who asks."""

import hmac

from web.settings import KEY


class Unknown(Exception):
    """Nobody knows this caller."""


def require_user(request):
    """Refuse who has no token."""
    if "Authorization" not in request.headers:
        raise Unknown("no token")


def verify(token):
    """Tell whether a token is ours."""
    name, _, mark = token.partition(":")
    made = hmac.new(KEY.encode(), name.encode(), "sha256").hexdigest()
    return hmac.compare_digest(made, mark)
'''
STORE = '''
"""Books on a shelf."""


class Store:
    """Books and who has them."""

    def __init__(self, books):
        self.books = dict(books)

    def lend(self, book, name):
        """Give a book away."""
        if self.books[book]:
            raise KeyError(book)
        self.books[book] = name
        return book

    def count(self):
        """Return how many are there."""
        return sum(1 for holder in self.books.values() if not holder)
'''
SETTINGS = '''
"""What the environment says."""

import os

KEY = os.environ["LENDING_KEY"]
CATALOGUE = os.environ["CATALOGUE_URL"]
DAYS = int(os.environ.get("DAYS", "14"))
'''
TESTS = """
import pytest


def test_lend(client):
    answer = client.post("/lend", json={"books": ["emma"], "name": "ada-lovelace-e2e"}, timeout=10)
    assert answer.status_code == 200
    assert answer.json()["lent"] == ["emma"]


def test_fine(client):
    answer = client.get("/fine?days=20&rate=0.25")
    assert answer.json() == {"fine": 1.5}
    assert answer.elapsed.total_seconds() < 2


@pytest.mark.parametrize("name", ["A", "x"])
def test_names(client, name):
    with pytest.raises(ValueError, match="no such name"):
        client.lend(name)
"""
YAML = """
services:
  web:
    source: web
    image: r/web
    env: {DAYS: "14"}
    secrets: {LENDING_KEY: lending-key:1, CATALOGUE_URL: catalogue:1}
    needs: [LENDING_KEY]
suite: {path: e2e, minimum: 3}
knowledge: codes.toml
"""
TREE = {
    FILE: YAML,
    "codes.toml": "",
    "pyproject.toml": '[project]\nname = "lending"\n\n[tool.pytest.ini_options]\nxfail_strict = true\n',
    "web/__init__.py": "",
    "web/app.py": APP,
    "web/auth.py": AUTH,
    "web/store.py": STORE,
    "web/settings.py": SETTINGS,
    "web/requirements.txt": "aiohttp==3.12\n",
    "web/start.sh": "set -e\npython -m web.migrate\npython -m web.serve\n",
    "web/views.js": "fetch('/lend').then(show)\n",
    "e2e/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef client():\n    return object()\n",
    "e2e/test_lending.py": TESTS,
}
SETTINGS_OF_ALL = parse(YAML)
DEFECT = CodeDefect(path="web/app.py", line=28, symbol="lend")

Changes = dict[str, str | None]


def edit(path: str, *swaps: tuple[str, str]) -> Changes:
    """Return a change of one file: each first text by the second; all of them must be there."""
    text = TREE[path]
    for old, new in swaps:
        assert old in text, old
        text = text.replace(old, new)
    return {path: text}


def put(path: str, text: str) -> Changes:
    """Return a change that adds lines at a file's end, or makes the file."""
    return {path: TREE.get(path, "") + text}


def judged(changes: Changes, claim: Claim | None = DEFECT, sources: Sources | None = None, diff: str = "") -> FixReview:
    """Judge a change of the lending service, as a fix for a claim or, without one, as a diff alone."""
    after = {path: text for path, text in (TREE | changes).items() if text is not None}
    analysis: Analysis | None = chain(claim) if claim else None
    fix = Offered(
        id="fix-1",
        author="somebody",
        title="t",
        analysis=analysis.id if analysis else "",
        breaks=f"{claim.type} {claim.subject}" if claim else "",
        diff=diff or diff_of(TREE, after),
    )
    return review_fix(fix, analysis, TREE, after, SETTINGS_OF_ALL, seen=sources)


def against(review: FixReview) -> set[str]:
    """Return the rules that speak against a fix, without their family."""
    return {finding.rule.removeprefix("fix.") for finding in review.findings if finding.truth != "supported"}
