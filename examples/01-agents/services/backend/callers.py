"""Who calls, and what they may do."""

from dataclasses import dataclass

import tokens
from keys import SETTINGS
from problems import Problem

OPERATORS = {"operator", "admin"}


@dataclass(frozen=True)
class Caller:
    """Somebody who has shown a token."""

    user: str
    roles: frozenset[str]

    def must_operate(self):
        """Refuse callers who may only look."""
        if not self.roles & OPERATORS:
            raise Problem(403, "your role may not operate agents", roles=self.roles)

    def must_see(self, owner):
        """Refuse callers who look into other people's things without being an admin."""
        if owner != self.user and "admin" not in self.roles:
            raise Problem(403, "only admins see the agents of others", owner=owner)


def caller_with(token, key):
    """Return the caller whom a token names."""
    try:
        claims = tokens.read(token, key)
    except tokens.TokenRefused as refusal:
        raise Problem(401, str(refusal)) from refusal
    return Caller(claims["sub"], frozenset(claims["roles"]))


def caller_of(request):
    """Return the caller of an HTTP request."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer":
        raise Problem(401, "bearer token needed")
    return caller_with(token, request.app[SETTINGS].jwt_key)
