"""Exceptions found in log lines."""

from __future__ import annotations

import traceback

from hypothesis import given
from hypothesis import strategies as st

from untilgreen.collect.log_lines import with_exceptions
from untilgreen.collect.traceback import find_all, find_raised
from untilgreen.model.evidence import Entry, Stream

KINDS = (KeyError, ValueError, RuntimeError, TypeError, OSError, ArithmeticError)
NOISE = st.sampled_from(["", "INFO ready", "  indented", "GET /health 200", "KeyError: not a traceback", "Traceback?"])


def raise_chain(links: list[tuple[int, bool]]) -> None:
    """Raise a chain of exceptions; each link says which kind, and whether it is raised `from` the one before."""
    (kind, explicit), earlier = links[-1], links[:-1]
    if not earlier:
        raise KINDS[kind](f"number {len(links)}")
    try:
        raise_chain(earlier)
    except Exception as error:
        if explicit:
            raise KINDS[kind](f"number {len(links)}") from error
        raise KINDS[kind](f"number {len(links)}")  # noqa: B904 - the implicit context is what is tested


def printed(links: list[tuple[int, bool]]) -> str:
    """Return a chain as Python prints it."""
    try:
        raise_chain(links)
    except Exception:  # noqa: BLE001 - every kind is printed
        return traceback.format_exc()
    raise AssertionError


def root_of(links: list[tuple[int, bool]]) -> int:
    """Return the position of the root of the last exception's explicit chain, from 1."""
    position = len(links)
    while position > 1 and links[position - 1][1]:
        position -= 1
    return position


CHAINS = st.lists(st.tuples(st.integers(0, len(KINDS) - 1), st.booleans()), min_size=1, max_size=5)


@given(CHAINS, st.lists(NOISE, max_size=3), st.lists(NOISE, max_size=3))
def test_root_of_any_chain(links: list[tuple[int, bool]], before: list[str], after: list[str]) -> None:
    """Of any chain the root of the explicit part is found, whatever stands around it."""
    lines = [*before, *printed(links).splitlines(), *after]
    found = list(find_all(lines))
    root = root_of(links)
    assert len(found) == 1
    assert found[0].raised.exception == KINDS[links[root - 1][0]].__name__
    assert f"number {root}" in found[0].raised.message
    assert lines[found[0].end].startswith(KINDS[links[-1][0]].__name__)


@given(CHAINS)
def test_frames_are_complete(links: list[tuple[int, bool]]) -> None:
    """All frames of the root are kept, outermost first, with their source lines."""
    raised = find_raised(printed(links))
    assert raised
    assert {frame.function for frame in raised.frames} <= {"printed", "raise_chain"}
    assert all(frame.source and frame.path == __file__ for frame in raised.frames)


def entries(lines: list[str]) -> list[Entry]:
    """Return one entry a line, as a container's stderr becomes."""
    return [
        Entry(
            service="backend",
            revision="backend-1",
            stream=Stream.STDERR,
            severity="DEFAULT",
            message=line,
            insert_id=str(number),
            log_name="stderr",
        )
        for number, line in enumerate(lines)
    ]


IMPORT_DEATH = """Traceback (most recent call last):
  File "/app/app.py", line 1, in <module>
    from shop.metrics import counter
  File "/app/shop/__init__.py", line 3, in <module>
    from monitoring import metrics
ModuleNotFoundError: No module named 'monitoring'"""

SYNTAX_DEATH = """Traceback (most recent call last):
  File "/app/app.py", line 1, in <module>
    import orders
  File "/app/orders.py", line 3
    text = f"{order["id"]}"
                     ^^
SyntaxError: f-string: unmatched '['"""


def test_one_entry_a_line() -> None:
    """A traceback that came line by line is one exception, on the entry with its last line."""
    joined = with_exceptions(entries(IMPORT_DEATH.split("\n")), ["i"] * 6)
    assert [entry.raised is not None for entry in joined] == [False] * 5 + [True]
    assert joined[-1].raised
    assert joined[-1].raised.exception == "ModuleNotFoundError"
    assert [frame.line for frame in joined[-1].raised.frames] == [1, 3]


def test_syntax_error_names_the_broken_file() -> None:
    """The innermost frame of a SyntaxError is the line that does not parse, though it has no function."""
    raised = find_raised(SYNTAX_DEATH)
    assert raised
    assert raised.exception == "SyntaxError"
    assert (raised.frames[-1].path, raised.frames[-1].line, raised.frames[-1].function) == ("/app/orders.py", 3, "")


def test_instances_do_not_mix() -> None:
    """Lines of two instances that arrive interleaved are two tracebacks."""
    left, right = IMPORT_DEATH.split("\n"), SYNTAX_DEATH.split("\n")
    mixed = [line for pair in zip(left, right, strict=False) for line in pair] + right[len(left) :]
    sources = ["left", "right"] * len(left) + ["right"] * (len(right) - len(left))
    joined = with_exceptions(entries(mixed), sources)
    assert [e.raised.exception for e in joined if e.raised] == ["ModuleNotFoundError", "SyntaxError"]


def test_messages_of_many_lines_do_not_break_the_chain() -> None:
    """An exception whose text has several lines is still the cause of the next one."""
    text = """Traceback (most recent call last):
  File "/app/a.py", line 1, in read
    Order(id="x")
pydantic_core._pydantic_core.ValidationError: 1 validation error for Order
id
  Input should be a valid integer

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/a.py", line 9, in handle
    read()
shop.errors.BadOrder"""
    raised = find_raised(text)
    assert raised
    assert (raised.exception, raised.message) == ("ValidationError", "1 validation error for Order")


def test_groups_show_their_last_member() -> None:
    """Of an exception group the members are found too; in one entry the last of them stands for it."""
    try:
        try:
            raise ValueError("inner")  # noqa: TRY301 - a traceback of its own is what is wanted
        except ValueError as inner:
            raise ExceptionGroup("outer", [inner]) from None
    except ExceptionGroup:
        text = traceback.format_exc()
    assert [found.raised.exception for found in find_all(text.split("\n"))] == ["ExceptionGroup", "ValueError"]


def test_indented_traceback() -> None:
    """A traceback that a logger indents is read like any other."""
    raised = find_raised("\n".join(f"    {line}" for line in IMPORT_DEATH.split("\n")))
    assert raised
    assert raised.exception == "ModuleNotFoundError"


@given(st.lists(st.one_of(NOISE, st.text(max_size=30)), max_size=12))
def test_text_without_traceback_has_no_exception(lines: list[str]) -> None:
    """Where no traceback starts, nothing was raised: a word such as KeyError proves nothing."""
    if not any("Traceback (most" in line for line in lines):
        assert list(find_all(lines)) == []


@given(st.lists(st.sampled_from([*IMPORT_DEATH.split("\n"), *SYNTAX_DEATH.split("\n"), "", "x"]), max_size=14))
def test_broken_tracebacks_are_survived(lines: list[str]) -> None:
    """Lines in any order are read without an error, and what is found lies inside them."""
    for found in find_all(lines):
        assert 0 <= found.start < found.end < len(lines)
