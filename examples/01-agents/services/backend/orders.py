"""What an agent is asked to do, read from the payload of a request."""

from dataclasses import dataclass
from datetime import UTC, datetime

from problems import Problem

FIELDS = {"task", "priority", "tags", "deadline"}


@dataclass(frozen=True)
class Order:
    """A valid order."""

    task: str
    priority: int = 3
    tags: frozenset[str] = frozenset()
    deadline: datetime | None = None


def read_order(body):
    """Return the order that a payload holds.

    Raises:
        Problem: 400, with the field that is wrong and what it should be.
    """
    for field in sorted(body.keys() - FIELDS):
        raise _wrong(field, f"one of {', '.join(sorted(FIELDS))}")
    return Order(
        task=_text(body, "task", longest=500),
        priority=_priority(body.get("priority", 3)),
        tags=_tags(body.get("tags", [])),
        deadline=_deadline(body.get("deadline")),
    )


def read_reason(body, *, needed):
    """Return why an agent is ended; a cancellation needs a reason, a stop may have one."""
    return _text(body, "reason", longest=200) if needed or "reason" in body else ""


def _text(body, field, longest):
    text = body.get(field)
    if not isinstance(text, str) or not 1 <= len(text.strip()) <= longest:
        raise _wrong(field, f"a text of 1 to {longest} characters")
    return text.strip()


def _priority(value):
    if type(value) is not int or not 1 <= value <= 5:
        raise _wrong("priority", "a whole number from 1 to 5")
    return value


def _tags(values):
    if not isinstance(values, list) or not all(isinstance(tag, str) and tag.strip() for tag in values):
        raise _wrong("tags", "a list of texts")
    return frozenset(tag.strip().lower() for tag in values)


def _deadline(value):
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _wrong("deadline", "a time with its zone, such as 2031-05-04T12:00:00+02:00")
    return moment.astimezone(UTC)


def _wrong(field, expected):
    return Problem(400, "bad payload", field=field, expected=expected)
