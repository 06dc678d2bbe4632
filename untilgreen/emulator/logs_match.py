"""What a filter means for one entry.

Fields that LogEntry defines but an entry does not have compare as their default; payload keys and labels that are
missing fail every comparison. A field that LogEntry does not define makes the filter invalid.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from untilgreen.emulator.logs_filter import And, Call, Compare, Expression, FilterError, Not, Or, Text
from untilgreen.emulator.logs_lines import severity_number
from untilgreen.emulator.protos import LogEntry, Message
from untilgreen.emulator.rpc import not_emulated

Predicate = Callable[[Message], bool]
_Values = Callable[[Message], list[Any]]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)?)?")
_DURATION = re.compile(r"(-?\d+(?:\.\d+)?)(ns|us|ms|s|m|h|d)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_ONLY_IN_TEXT = re.compile(r"[bcdghjkmopqvwxyBCDGHJKMOPQVWXY]")
_SPECIAL = {
    "google.protobuf.Struct": "struct",
    "google.protobuf.Timestamp": "time",
    "google.protobuf.Duration": "duration",
    "google.protobuf.Any": "any",
}


def predicate(tree: Expression) -> Predicate:
    """Return a function that tells whether an entry matches.

    Raises:
        FilterError: a field does not exist, or a value is none of its kind.
        Refusal: a function that is not emulated.
    """
    match tree:
        case And(parts):
            tests = [predicate(part) for part in parts]
            return lambda entry: all(test(entry) for test in tests)
        case Or(parts):
            tests = [predicate(part) for part in parts]
            return lambda entry: any(test(entry) for test in tests)
        case Not(part):
            inner = predicate(part)
            return lambda entry: not inner(entry)
        case Text(text):
            return _holds(text)
        case Call(name, arguments):
            return _function(name, arguments)
        case Compare():
            return _comparison(tree)


def needles(tree: Expression) -> list[bytes]:
    """Return words that every matching entry must hold somewhere in its texts, in lower case.

    Only words that no number, time or truth value can look like: those do not stand in an entry as text.
    """
    parts = tree.parts if isinstance(tree, And) else (tree,)
    words = [_sought(part) for part in parts]
    return [word.lower().encode() for word in words if word.isascii() and _ONLY_IN_TEXT.search(word)]


def _sought(tree: Expression) -> str:
    match tree:
        case Text(text) | Call("search", (text,)):
            return text
        case Compare(path, "=" | ":", value) if path[0].lower() in ("jsonpayload", "textpayload", "labels"):
            return value
        case _:
            return ""


def time_ns(text: str) -> int:
    """Return a time in nanoseconds since 1970; a day alone is its midnight, and no zone means UTC.

    Raises:
        FilterError: it is no time.
    """
    match = _TIME.fullmatch(text)
    if not match:
        raise FilterError(f"Unparseable filter: timestamp '{text}' is not RFC 3339")
    day, clock, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{zone if zone and zone not in 'zZ' else '+00:00'}")
    except ValueError:
        raise FilterError(f"Unparseable filter: timestamp '{text}' is out of range") from None
    return int(moment.timestamp()) * 10**9 + int((fraction or ".0")[1:10].ljust(9, "0"))


def severity(text: str) -> int:
    """Return a severity's number.

    Raises:
        FilterError: there is none of that name.
    """
    number = int(text) if text.isdigit() else severity_number(text)
    if number is None:
        raise FilterError(f"Unparseable filter: unknown severity '{text}'")
    return number


def log_id(text: str) -> str:
    """Return how a log's id stands in its name."""
    return "/logs/" + text.replace("/", "%2F")


def _function(name: str, arguments: tuple[str, ...]) -> Predicate:
    match name, arguments:
        case "log_id", (log,):
            ending = log_id(log)
            return lambda entry: str(entry.log_name).endswith(ending)
        case "search", (text,):
            return _holds(text)
        case _:
            raise not_emulated(f"The filter function {name}() with {len(arguments)} arguments")


def _holds(text: str) -> Predicate:
    wanted = text.lower()
    return lambda entry: any(wanted in str(leaf).lower() for leaf in _leaves(entry))


def _comparison(tree: Compare) -> Predicate:
    values, kind = _field(tree.path)
    if tree.operator == ":":
        return _has(values, tree.value)
    if tree.operator in ("=~", "!~"):
        return _matches(values, tree)
    compare, convert = _ORDER[tree.operator], _converter(kind, tree.value)
    return lambda entry: any(compare(*pair) for value in values(entry) if (pair := convert(value)) is not None)


def _has(values: _Values, text: str) -> Predicate:
    if text == "*":
        return lambda entry: any(_present(value) for value in values(entry))
    wanted = text.lower()
    return lambda entry: any(wanted in str(leaf).lower() for value in values(entry) for leaf in _leaves(value))


def _present(value: Any) -> bool:
    return bool(value.ListFields()) if hasattr(value, "ListFields") else bool(value)


def _matches(values: _Values, tree: Compare) -> Predicate:
    try:
        pattern = re.compile(tree.value)
    except re.error as error:
        raise FilterError(f"Unparseable filter: regular expression '{tree.value}': {error}") from None
    if tree.operator == "=~":
        return lambda entry: any(pattern.search(str(leaf)) for value in values(entry) for leaf in _leaves(value))
    return lambda entry: any(not pattern.search(str(leaf)) for value in values(entry) for leaf in _leaves(value))


def _converter(kind: str, text: str) -> Callable[[Any], tuple[Any, Any] | None]:
    """Return what makes a pair that can be compared out of a field's value and the text in the filter."""
    if kind == "time":
        moment = time_ns(text)
        return lambda value: (value.ToNanoseconds(), moment)
    if kind == "severity":
        level = severity(text)
        return lambda value: (value, level)
    if kind == "duration":
        seconds = _seconds(text)
        return lambda value: (value.ToNanoseconds() / 1e9, seconds)
    if kind == "number":
        number = _number(text)
        if number is None:
            raise FilterError(f"Unparseable filter: '{text}' is not a number")
        return lambda value: (value, number)
    wanted, number = text.lower(), _number(text)
    return lambda value: _like(value, wanted, number)


def _like(value: Any, wanted: str, number: float | None) -> tuple[Any, Any] | None:
    """Pair a value whose kind only the entry knows."""
    if isinstance(value, bool):
        return (str(value).lower(), wanted)
    if isinstance(value, int | float):
        return None if number is None else (value, number)
    return (value.lower(), wanted) if isinstance(value, str) else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text)
    if not match:
        raise FilterError(f"Unparseable filter: '{text}' is not a duration such as 1.5s or 200ms")
    return float(match[1]) * _UNITS[match[2]]


def _field(path: tuple[str, ...]) -> tuple[_Values, str]:
    """Return what reads a field of an entry, and the kind of its values."""
    read: _Values = lambda entry: [entry]  # noqa: E731 - the seed of the chain below
    descriptor, kind = LogEntry.DESCRIPTOR, "message"
    for position, segment in enumerate(path):
        field = _find(descriptor, segment) if kind == "message" else None
        if field is None:
            raise FilterError(f"Unparseable filter: field not found: '{'.'.join(path)}'")
        read, kind, descriptor = _chain(read, field.name), _kind(field), field.message_type
        if kind in ("map", "struct", "any"):
            return _keys(read, path[position + 1 :], kind), "loose" if kind != "map" or path[position + 1 :] else kind
    return read, kind


def _find(descriptor: Any, segment: str) -> Any:
    wanted = segment.lower()
    return next((f for f in descriptor.fields if wanted in (f.name.lower(), f.json_name.lower())), None)


def _chain(read: _Values, name: str) -> _Values:
    return lambda entry: [getattr(value, name) for value in read(entry)]


def _kind(field: Any) -> str:
    if field.type == FieldDescriptor.TYPE_ENUM:
        return "severity"
    if field.type != FieldDescriptor.TYPE_MESSAGE:
        text = field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_BOOL)
        return "text" if text else "number"
    if field.message_type.GetOptions().map_entry:
        return "map"
    return _SPECIAL.get(field.message_type.full_name, "message")


def _keys(read: _Values, path: tuple[str, ...], kind: str) -> _Values:
    """Return what follows the rest of a path through labels or a payload; what is missing has no values."""
    if kind == "map":
        return lambda entry: [_in_map(value, path) for value in read(entry) if not path or path[0] in value]
    if kind == "any":
        return lambda _: []
    return lambda entry: [found for value in read(entry) for found in _in_struct(value, path)]


def _in_map(labels: Any, path: tuple[str, ...]) -> Any:
    return labels[path[0]] if path else dict(labels)


def _in_struct(struct: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if not path:
        yield struct
    elif path[0] in struct.fields:
        yield from _in_value(struct.fields[path[0]], path[1:])


def _in_value(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Follow a path through one JSON value; a list stands for each of its elements."""
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        for item in value.list_value.values:
            yield from _in_value(item, path)
    elif kind == "struct_value":
        yield from _in_struct(value.struct_value, path)
    elif not path:
        yield None if kind == "null_value" else getattr(value, kind)


def _leaves(value: Any) -> Iterator[Any]:
    """Give each single value in a message, however deep."""
    if hasattr(value, "ToJsonString"):
        yield value.ToJsonString()
    elif hasattr(value, "ListFields"):
        for _, inner in value.ListFields():
            yield from _leaves(inner)
    elif hasattr(value, "items"):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, str | bytes | bool | int | float) or value is None:
        yield value
    else:
        for inner in value:
            yield from _leaves(inner)
