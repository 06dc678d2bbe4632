"""Right fixes are not held up: what people do to mend, tidy and move code is approved, or at worst asked about."""

from __future__ import annotations

import pytest

from tests.unit.lending import APP, AUTH, SETTINGS, STORE, TESTS, Changes, against, edit, judged, put
from untilgreen.model.analysis import Decision
from untilgreen.model.claims import ConfigMismatch, DefectiveTest, SecretMissing
from untilgreen.settings import FILE

LENT = '    lent = [store.lend(book, order["name"]) for book in order["books"]]\n'
MANY = '    if len(order["books"]) > 5:\n        raise Refused("at most five books at once")\n'

APPROVED: dict[str, Changes] = {
    "a wrong key": edit("web/app.py", ('order["name"]) for', 'order["reader"]) for')),
    "a missing conversion": edit("web/app.py", ("late * rate", "float(late) * float(rate)")),
    "a unit": edit("web/app.py", ("days - settings.DAYS", "days / 24 - settings.DAYS")),
    "an off-by-one": edit("web/app.py", ("max(0, days", "max(0, 1 + days")),
    "a missing await": edit("web/app.py", ("def upstream", "async def upstream"), ("return client.get", "return await client.get")),
    "a local renamed": edit("web/app.py", ("late", "overdue")),
    "a function renamed": edit("web/app.py", ("def upstream", "def catalogue")),
    "a check renamed with its function": {**edit("web/app.py", ("auth.verify(", "auth.verify(")), **edit("web/auth.py", ("made, mark)", "made.lower(), mark)"))},
    "an argument added": edit("web/app.py", ("def upstream(client, path)", "def upstream(client, path, params=None)"), ("timeout=5,", "timeout=5, params=params,")),
    "a new guard with a message": edit("web/app.py", (MANY, f'{MANY}    if not order["books"]:\n        raise Refused("no book named")\n')),
    "a guard that refuses": edit("web/app.py", (LENT, f'    if "books" not in order:\n        return respond({{"error": "which books?"}}, status=400)\n{LENT}')),
    "one narrow handler that raises another error": edit("web/app.py", (LENT, f"    try:\n    {LENT}    except KeyError as error:\n        raise Refused(f'{{error}} is lent') from error\n")),
    "a broad handler that raises again": edit("web/app.py", (LENT, f"    try:\n    {LENT}    except Exception:\n        store.close()\n        raise\n")),
    "an answer to a wrong order": edit("web/app.py", (LENT, f'    try:\n    {LENT}    except KeyError as error:\n        return respond({{"error": str(error)}}, status=409)\n')),
    "a default by a narrow handler": edit("web/app.py", ("    late = max", "    try:\n        rate = float(rate)\n    except ValueError:\n        rate = 0.25\n    late = max")),
    "a resource closed": edit("web/app.py", (LENT, f"    try:\n    {LENT}    finally:\n        store.close()\n")),
    "a lock": edit("web/store.py", ("        self.books[book] = name\n", "        with self.lock:\n            self.books[book] = name\n")),
    "an early end of a loop": edit("web/store.py", ("        return sum(1 for holder in self.books.values() if not holder)", "        free = 0\n        for holder in self.books.values():\n            if holder:\n                continue\n            free += 1\n        return free")),
    "a part drawn out": edit("web/app.py", ("    late = max(0, days - settings.DAYS)\n    return round(late * rate, 2)", "    return round(overdue(days) * rate, 2)\n\n\ndef overdue(days):\n    return max(0, days - settings.DAYS)")),
    "a check drawn out": edit("web/app.py", (MANY, "    few(order)\n"), ("def fine(", 'def few(order):\n    if len(order["books"]) > 5:\n        raise Refused("at most five books at once")\n\n\ndef fine(')),
    "a function moved": {"web/app.py": APP.replace(APP[APP.index("def fine") : APP.index("def health")], ""), "web/fines.py": "from web import settings\n\n\n" + APP[APP.index("def fine") : APP.index("def health")]},
    "a module moved": {"web/store.py": None, "web/shelf.py": STORE, **edit("web/app.py", ("from web.store", "from web.shelf"))},
    "a class split": edit("web/store.py", ("    def count(self)", "    def free(self):\n        return self.count() > 0\n\n    def count(self)")),
    "formatting": {"web/auth.py": AUTH.replace("    ", "  ")},
    "line ends": {"web/auth.py": AUTH.replace("\n", "\r\n")},
    "comments and docstrings": edit("web/app.py", ("Lend a book.", "Lend books, at most five at once, to whoever is known.")),
    "types": edit("web/app.py", ("def fine(days, rate)", "def fine(days: float, rate: float) -> float")),
    "a dataclass field more": put("web/store.py", "\n\n@dataclass\nclass Loan:\n    book: str\n    days: int = 14\n"),
    "a constant named": edit("web/app.py", ("    late = max(0, days - settings.DAYS)\n", "    grace = settings.GRACE_DAYS\n    late = max(0, days - settings.DAYS - grace)\n")) | edit("web/settings.py", ('"14"))', '"14"))\nGRACE_DAYS = int(os.environ.get("GRACE_DAYS", "0"))')),
    "a limit together with a real change": edit("web/app.py", ("timeout=5", "timeout=8"), ("settings.CATALOGUE + path", 'settings.CATALOGUE.rstrip("/") + path')),
    "an answer's field": edit("web/app.py", ('{"lent": lent,', '{"lent": lent, "count": len(lent),')),
    "a new route's function": put("web/app.py", '\n\ndef give_back(request, store):\n    """Take a book back."""\n    auth.require_user(request)\n    return respond({"back": store.take(request.book)}, status=200)\n'),
    "a log line": edit("web/app.py", (LENT, f"{LENT}    log.info('lent %s', lent)\n")),
    "a setting of a service": edit(FILE, ('DAYS: "14"', 'DAYS: "14", LOCALE: en')),
    "a version": {"web/requirements.txt": "aiohttp==3.13\n"},
    "a file with odd letters": {"web/a b'ö.txt": "Books\n"},
    "documentation": {"docs/lending.md": "Books are lent for a time.\n"},
    "a script stricter": edit("web/start.sh", ("set -e", "set -eu")),
    "JavaScript that tells its errors": edit("web/views.js", ("(show)", "(show).catch((error) => report(error))")),
    "a migration that adds": {"web/migrate.sql": "ALTER TABLE loans ADD COLUMN back DATE;\n"},
}  # fmt: skip

ASKED: dict[str, Changes] = {
    "a number of a service": edit(FILE, ('DAYS: "14"', 'DAYS: "21"')),
    "a bound that was wrong": edit("web/app.py", ('"]) > 5', '"]) > 6')),
    "a pattern that was wrong": edit("web/app.py", ("^[a-z][a-z-]{2,20}$", "^[a-z][a-z-]{1,20}$")),
    "a check no longer needed": edit("web/app.py", (MANY, "")),
    "a service that must be waited for": put("web/app.py", "\n\ndef warm(client):\n    time.sleep(1)\n    return client.ping()\n"),
    "a library that is new": {"web/requirements.txt": "aiohttp==3.12\nhttpx==0.28\n"},
}  # fmt: skip


@pytest.mark.parametrize("name", APPROVED)
def test_approved(name: str) -> None:
    """It is approved, as a fix for a cause and as a diff alone."""
    review = judged(APPROVED[name])
    assert review.decision is Decision.APPROVED, review.findings
    assert judged(APPROVED[name], None).decision is Decision.APPROVED


@pytest.mark.parametrize("name", ASKED)
def test_asked(name: str) -> None:
    """What may be right and may be a cheat is not rejected; a human decides."""
    assert judged(ASKED[name]).decision is Decision.NEEDS_HUMAN


def test_causes_that_are_settings() -> None:
    """Where a limit or a binding is the cause, changing it is the fix."""
    limit = ConfigMismatch(service="web", key="timeout", expected="30", actual="5")
    assert judged(edit("web/app.py", ("timeout=5", "timeout=30")), limit).decision is Decision.APPROVED
    unbound = SecretMissing(service="web", env="CATALOGUE_URL")
    assert judged(edit(FILE, ("catalogue:1", "catalogue:2")), unbound).decision is Decision.APPROVED


NEW_TEST = {"e2e/test_more.py": "def test_more(client):\n    assert client.get('/').status_code == 200\n"}


def test_new_tests() -> None:
    """New tests are anybody's right where no cause is named; a fix for a cause brings none without a human."""
    assert judged(NEW_TEST, None).decision is Decision.APPROVED
    assert (
        judged(put("e2e/test_lending.py", "\n\ndef test_more(client):\n    assert client\n"), None).decision
        is Decision.APPROVED
    )
    wrong = DefectiveTest(nodeid="e2e/test_lending.py::test_lend", reason="expects an old answer")
    assert judged(NEW_TEST, wrong).decision is Decision.NEEDS_HUMAN


def test_moved_tests() -> None:
    """A test that moves to another file with all that it says has not been deleted."""
    moved = {"e2e/test_lending.py": None, "e2e/test_loans.py": TESTS}
    assert against(judged(moved, None)) == {"tests"}


def test_settings_move_home() -> None:
    """A setting that moves to another module with all its readers has one home, as before."""
    moved = {"web/settings.py": None, "web/config.py": SETTINGS}
    assert against(judged(moved | edit("web/auth.py", ("web.settings", "web.config")))) == set()


def test_the_table_is_large() -> None:
    """At least twenty-five honest fixes are known."""
    assert len(APPROVED) + len(ASKED) >= 25
