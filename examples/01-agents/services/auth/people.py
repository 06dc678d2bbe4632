"""The people who may sign in. On staging they are test users from a file."""

import hmac
import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("staging_users.json")


@dataclass(frozen=True)
class Person:
    """Somebody who may sign in."""

    user: str
    password: str
    roles: tuple[str, ...]
    team: str

    def knows(self, password):
        """Tell whether this is the person's password, in the same time for any guess."""
        return hmac.compare_digest(self.password.encode(), password.encode())


def load(file=FILE):
    """Return the people by user name."""
    rows = json.loads(file.read_text(encoding="utf-8"))
    return {row["user"]: Person(**row | {"roles": tuple(row["roles"])}) for row in rows}
