"""Who there is."""

import hmac
from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    user: str
    password: str
    role: str
    team: str

    def knows(self, password):
        return isinstance(password, str) and hmac.compare_digest(self.password.encode(), password.encode())


PEOPLE = {
    person.user: person
    for person in (
        Person("ada", "lamp-ada-41", "clerk", "north"),
        Person("bob", "lamp-bob-42", "clerk", "south"),
        Person("eve", "lamp-eve-43", "guest", "visitors"),
    )
}


def find(user):
    """Return a person, or None."""
    return PEOPLE.get(user) if isinstance(user, str) else None


def card(person):
    """Return what other services may know of a person."""
    return {"user": person.user, "role": person.role, "team": person.team}
