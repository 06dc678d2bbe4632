"""An assertion counts only if something that is no constant can make it fail."""

from __future__ import annotations

import ast
import builtins
import textwrap

import pytest

from untilgreen.witness.untilgreen_witness.asserts import count_asserts


def counts(source: str) -> list[int]:
    """Return, for each assert in order of execution, 1 when it is real and 0 when it is about constants."""
    tree = ast.parse(textwrap.dedent(source))
    count_asserts(tree)
    seen: list[int] = []
    scope = {"__builtins__": {**vars(builtins), "@untilgreen_passed": seen.append}, "answer": {"status": 200}}
    exec(compile(tree, "tests", "exec"), scope)  # noqa: S102 - what is counted must run
    return seen


@pytest.mark.parametrize(
    "test",
    [
        "True",
        "1 == 1",
        "200 in (200, 201)",
        "len('abc') == 3",
        "not None",
        "answer == answer",
        "isinstance(5, int)",
        "'a' < 'b' < 'c'",
    ],
)
def test_constants_are_told(test: str) -> None:
    """Literals, what pure functions make of them, and a name compared with itself are constants."""
    assert counts(f"assert {test}") == [0]


@pytest.mark.parametrize(
    "test", ["answer", "answer['status'] == 200", "len(answer) == 1", "answer.get('status')", "(lambda: True)()"]
)
def test_everything_else_is_real(test: str) -> None:
    """What could differ is no constant."""
    assert counts(f"assert {test}") == [1]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("latency = 0.05; assert latency < 1", [0]),
        ("a = 1; b = a + 1; c: int = b * 2; assert c == 4", [0]),
        ("a = 1; a = answer; assert a", [1]),
        ("n = 0\nfor _ in answer: n += 1\nassert n == 1", [1]),
        ("found = []\nfound.append(answer)\nassert found", [1]),
        ("for n in answer: assert n", [1]),
        ("a, b = answer, 1\nassert b == 1", [1]),
        ("error = None\ntry: answer['nothing']\nexcept KeyError as error: assert error is not None", [1]),
        ("n = 0\ndef inner():\n    nonlocal n\n    n = len(answer)\ninner()\nassert n == 1", [1]),
        ("n = 5\ndef inner(n):\n    assert n\ninner(answer)", [1]),
        ("import os as n\nn = 1\nassert n", [1]),
        ("if (n := len(answer)): assert n == 1", [1]),
        ("with open('/dev/null') as n: assert n", [1]),
        ("if answer:\n    assert True\nelse:\n    pass\nassert answer", [0, 1]),
    ],
)
def test_names_are_followed(body: str, expected: list[int]) -> None:
    """A local name that only ever holds literals is a constant; any other binding makes it none."""
    assert counts("def test():\n" + textwrap.indent(body, "    ") + "\ntest()") == expected


def test_a_failing_assert_is_not_counted() -> None:
    """Only what passed is counted, and each execution of it."""
    assert counts("for n in answer, answer: assert n\ntry: assert not answer\nexcept AssertionError: pass") == [1, 1]
