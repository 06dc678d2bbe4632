"""Who the tests sign in as: the test users that auth knows on staging."""

import json
from pathlib import Path

FILE = Path(__file__).parents[1] / "services/auth/staging_users.json"

PEOPLE = {row["user"]: row for row in json.loads(FILE.read_text(encoding="utf-8"))}


def with_role(role):
    return [user for user, row in PEOPLE.items() if role in row["roles"]]


EVERYONE = list(PEOPLE)
OPERATORS = with_role("operator")
VIEWERS = with_role("viewer")
ADMINS = with_role("admin")
CREW = OPERATORS + ADMINS
"""Those who may operate agents."""

NEIGHBOURS = list(zip(CREW, CREW[1:] + CREW[:1], strict=True))
"""Pairs of people who may operate agents, but not each other's."""
