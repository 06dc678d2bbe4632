"""An assertion counts only if something that is no constant can make it fail."""

from __future__ import annotations

import ast
import builtins
import textwrap
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from untilgreen.witness.untilgreen_witness.counters import VAIN, Plain, count_asserts, count_failures

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")  # Python, too, finds some of these odd
LIBRARY = "library"
"""How the tests below mark a check that an assertion library made."""


class Case:
    """What unittest's assertions do, as far as it matters here."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def events(source: str, *, plain: bool = False) -> list[tuple[str, Any]]:
    """Run a module with counters in it and return what they were told, in order."""
    tree = ast.parse(textwrap.dedent(source))
    count_asserts(tree)
    seen: list[tuple[str, Any]] = []
    if plain:
        Plain().visit(tree)
    count_failures(tree, "")
    counters = {
        "@untilgreen_passed": lambda kind, *where: seen.append((str(kind), *where)),
        "@untilgreen_checked": lambda _, kind: seen.append((LIBRARY, kind)),
        "@untilgreen_failed": lambda where: seen.append(("failed", where)),
    }
    answer = {"status": 200}
    response = SimpleNamespace(status_code=200, text="ok", json=lambda: answer)
    scope = {"__builtins__": {**vars(builtins), **counters}, "answer": answer, "response": response, "self": Case()}
    exec(compile(tree, "tests", "exec"), scope)  # noqa: S102 - what is counted must run
    return seen


def counts(source: str) -> list[int]:
    """Return, for each assert in order of execution, 1 when it is real and 0 when it is about constants."""
    return [int(kind) for kind, *_ in events(source) if kind not in ("failed", LIBRARY)]


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
        "answer.get('nothing') or True",
        "(answer == 5, 'five')",
        "[answer]",
        "{'answer': answer}",
        "f'answer {answer}'",
        "(part for part in answer)",
        "lambda: False",
        "len(answer) >= 0",
        "0 <= len(answer)",
        "-1 < len(answer)",
        "len(answer) != -5",
        "response.status_code < 600",
        "100 <= response.status_code <= 599",
        "response.status_code is not None",
        "response.json() == response.json()",
        "answer['status'] in (answer['status'], 5)",
        "not (answer and False)",
        "answer == answer and len(answer) >= 0",
        "True if answer else 1",
        "__import__ is __import__",
    ],
)
def test_constants_are_told(test: str) -> None:
    """Literals, what pure functions make of them, and a name compared with itself are constants."""
    assert counts(f"assert {test}") == [0]


@pytest.mark.parametrize(
    "test",
    [
        "answer",
        "answer['status'] == 200",
        "len(answer) == 1",
        "len(answer) > 0",
        "answer.get('status')",
        "(lambda: True)()",
        "answer.get('status') or answer",
        "response.status_code < 500",
        "response.status_code != 404",
        "response.status_code in (200, 201)",
        "next(iter(answer)) == next(iter(answer))",
        "[*answer]",
        "f'{answer}'",
        "not answer.get('error')",
        "answer and True",
    ],
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
        ("for n in (1, 2): assert n", [0, 0]),
        ("found = {'a': 1}\nassert found['a'] == 1\nassert len(found) == 1", [0, 0]),
        ("found = {'a': {'b': []}}\nfound['a']['b'].append(answer)\nassert found['a']['b']", [1]),
        ("found = {'a': 1}\nfound['a'] = answer\nassert found['a']", [1]),
        ("found = {'a': 1}\nother = found\nother.update(answer)\nassert found['status']", [1]),
        ("import random\nassert random.random() < 2", [0]),
        ("random = answer\nassert random['status']", [1]),
    ],
)
def test_names_are_followed(body: str, expected: list[int]) -> None:
    """A local name that only ever holds literals is a constant; any other binding makes it none."""
    assert counts("def test():\n" + textwrap.indent(body, "    ") + "\ntest()") == expected


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("LIMIT = 5\ndef test():\n    assert LIMIT == 5\ntest()", [0]),
        ("LIMIT = 5\ndef test(LIMIT):\n    assert LIMIT\ntest(answer)", [1]),
        ("LIMIT = 5\ndef set():\n    global LIMIT\n    LIMIT = answer\nset()\nassert LIMIT", [1]),
        ("STATE = {'a': 1}\ndef test():\n    assert STATE['a'] == 1\ntest()", [0]),
        ("def stub(_): return {'status': 1}\ndef test():\n    assert stub(answer)['status']\ntest()", [0]),
        ("def stub(x): return x\nassert stub(answer)", [1]),
        ("def new(): return []\ndef test():\n    n = new()\n    n.append(answer)\n    assert n\ntest()", [1]),
        ("def fixture(len):\n    assert len(answer) == 3\nfixture(lambda _: 3)", [1]),
    ],
)
def test_a_module_is_followed(module: str, expected: list[int]) -> None:
    """Constants of a module, and functions that return literals whatever they are asked, are constants."""
    assert counts(module) == expected


@pytest.mark.parametrize(("code", "expected"), [("(200, 201)", [0]), ("[answer]", [1]), ("range(3)", [0])])
def test_parameters_are_followed(code: str, expected: list[int]) -> None:
    """A parameter is what it is given: comparing it with literals says nothing about a service."""
    source = f"""
        from types import SimpleNamespace
        pytest = SimpleNamespace(mark=SimpleNamespace(parametrize=lambda *_: lambda test: test))
        @pytest.mark.parametrize("status", {code})
        def test(status):
            assert status
        test(answer)
    """
    assert counts(source) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if answer['status'] != 200: raise AssertionError('no')", [1]),
        ("if response.status_code != 200: raise RuntimeError('no')", [1]),
        ("if answer['status'] != 200:\n    print('no')\n    pytest.fail('no')", [1]),
        ("if not answer: raise ValueError('no argument')", []),
        ("if False: raise AssertionError", [0]),
        ("if not answer: print('no')", []),
        ("if not answer: self.fail('no')\nelif len(answer) > 1: self.fail('no')\nelse: assert answer", [1, 1, 1]),
    ],
)
def test_raising_by_hand_is_a_check(body: str, expected: list[int]) -> None:
    """`if ...: fail` is an assertion, and so is `if` about an answer that raises anything; any other is none."""
    assert counts(body) == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("self.assertEqual(1, 1)", [VAIN]),
        ("self.assertTrue(True)", [VAIN]),
        ("self.assertFalse(answer and False)", [VAIN]),
        ("self.assertGreaterEqual(len(answer), 0)", [VAIN]),
        ("self.assertEqual(answer, answer)", [VAIN]),
        ("self.assertEqual(answer['status'], 200)", []),
        ("self.assertIn('status', answer)", []),
        ("self.assertStatus(200)", []),
    ],
)
def test_unittest_about_constants_is_told(call: str, expected: list[int]) -> None:
    """What unittest counts by itself is taken back when it was about constants; the user's own methods are not."""
    assert counts(call) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("assert_that = lambda _: self\nassert_that(answer).is_equal_to(5)", [1]),
        ("assert_that = lambda _: self\nassert_that(5).is_equal_to(5)", [0]),
        ("check = self\ncheck.equal(answer, 5)", [1]),
        ("jsonschema = self\njsonschema.validate(answer, {})", [1]),
        ("expect = lambda _: self\nexpect(answer).to_be_visible()", [1]),
        ("logger = self\nlogger.checkpoint(answer)", []),
        ("client = self\nclient.get(answer)", []),
    ],
)
def test_assertion_libraries_are_known_by_their_words(source: str, expected: list[int]) -> None:
    """A call named assert, check, expect, should, validate or verify is a check; who made it is looked up later."""
    assert [kind for name, kind in events(source) if name == LIBRARY] == expected


@pytest.mark.parametrize("form", ["{}", "user = {}", "def test():\n    return {}\ntest()"])
def test_validating_models_are_checks(form: str) -> None:
    """A model that validates an answer is a check, whatever is done with what it returns."""
    source = "User = self\n" + form.replace("{}", "User.model_validate(answer)")
    assert counts(source) == [1]


@pytest.mark.parametrize("plain", [True, False])
def test_a_failure_is_counted_where_the_same_assertion_would_pass(plain: bool) -> None:
    """A failed assertion is told by its place, so that a later pass there shows that it was tried again."""
    source = """
        for n in (0, 1):
            try:
                if n < answer["status"] / 200: raise AssertionError
            except AssertionError:
                pass
    """
    (first, place), (second, *again) = events(source, plain=plain)
    assert (first, second, again) == ("failed", "1", [place])


def test_modules_that_pytest_leaves_alone_keep_their_messages() -> None:
    """An assert outside pytest's reach fails with the message that it has, and is counted all the same."""
    source = """
        try:
            assert answer["status"] == 404, "not found expected"
        except AssertionError as error:
            message = str(error)
        assert message == "not found expected"
    """
    assert [name for name, *_ in events(source, plain=True)] == ["failed", "1"]


SIDES = st.sampled_from(["answer", "response.status_code", "len(answer)", "5", "'a'", "None", "[]", "()"])
TESTS = st.recursive(
    st.one_of(
        SIDES,
        st.tuples(SIDES, st.sampled_from(["==", "!=", "<", ">=", "is", "is not", "in"]), SIDES).map(" ".join),
    ),
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
    ),
    max_leaves=5,
)


@example("len(answer) >= len(answer)", {}, 200)
@given(TESTS, st.dictionaries(st.text(), st.integers(), max_size=2), st.integers(100, 599))
def test_what_is_called_constant_never_changes(test: str, answer: dict[str, int], status: int) -> None:
    """A condition that is called constant gives the same for any answer, or is no comparison that Python allows."""
    tree = ast.parse(f"assert {test}")
    count_asserts(tree)
    counter: Any = tree.body[1]
    scopes = [{"answer": a, "response": SimpleNamespace(status_code=s)} for a, s in ((answer, status), ({"x": 1}, 200))]
    try:
        values = [bool(eval(test, scope)) for scope in scopes]  # noqa: S307 - made above
    except TypeError:
        return
    assert counter.value.args[0].value == 1 or len(set(values)) == 1


def test_a_failing_assert_is_not_counted() -> None:
    """Only what passed is counted, and each execution of it."""
    assert counts("for n in answer, answer: assert n\ntry: assert not answer\nexcept AssertionError: pass") == [1, 1]
