"""Counts the assertions that pass and those that fail, those about constants apart.

pytest's own hook for passed assertions formats an explanation of each; a counter costs a function call.
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib.machinery
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from _pytest.assertion import rewrite

from .counters import REAL, Plain, count_asserts, count_failures
from .order import ORDER
from .sight import counting, failed, harmless, passed, patch_now

PLAIN: set[str] = set()
"""Files that pytest would leave as they are."""
BLOCKS = ("Raises", "RaisesRegex", "Warns", "WarnsRegex", "Logs")
"""How those of unittest's assertions end that open a block."""


@harmless
def checked_by(owner: Any, real: int) -> None:
    """Count a check that an assertion library made; the tests' own functions have asserts of their own."""
    module = str(getattr(owner, "__module__", None) or getattr(owner, "__name__", None) or type(owner).__module__)
    if not is_own(module):
        passed(real)


@functools.cache
def is_own(module: str) -> bool:
    """Tell whether a module is the user's own; what a mock says about itself counts no more than that."""
    known = sys.modules.get(module)
    return module.partition(".")[0] in ("builtins", "unittest") or is_users(str(getattr(known, "__file__", "")))


def patch_rewriting() -> None:
    """Count assertions where pytest rewrites them, and in the tests' own helper modules too.

    pytest rewrites test modules and plugins only; a test whose checks lie in `checks.py` would seem to check nothing.
    """
    hook = rewrite.AssertionRewritingHook
    names = {"passed": passed, "failed": failed, "checked": checked_by}
    builtins.__dict__.update({f"@untilgreen_{name}": call for name, call in names.items()})
    patch_now(rewrite, "rewrite_asserts", with_counters)
    patch_now(hook, "exec_module", functools.partial(compiled_apart, rewrite.PYC_TAIL, f"-untilgreen{own_version():x}"))
    patch_now(hook, "_early_rewrite_bailout", not_left_out)
    patch_now(hook, "_should_rewrite", wanted)


def with_counters(call: Any) -> Any:
    """Return a patch that puts counters in, and rewrites only what pytest itself would."""

    def rewrite_asserts(module: ast.Module, source: Any, path: str | None = None, *args: Any) -> None:
        users = bool(path) and is_users(str(path))
        if users:
            harmless(count_asserts)(module, str(path))
        if path in PLAIN:
            Plain().visit(module)
        else:
            call(module, source, path, *args)
        if users:
            harmless(count_failures)(module, str(path))

    return rewrite_asserts


def compiled_apart(tail: str, made_by: str, call: Any) -> Any:
    """Return a patch that keeps what is compiled with counters apart from what pytest itself has compiled."""

    def exec_module(self: Any, module: Any) -> None:
        origin = str(module.__spec__.origin)
        kind = f"{made_by}-plain" if origin in PLAIN else made_by
        rewrite.PYC_TAIL = tail.replace("-pytest", f"{kind}-pytest") if is_users(origin) else tail
        call(self, module)

    return exec_module


def not_left_out(call: Any) -> Any:
    """Return a patch that makes pytest look at the user's other modules, too."""
    return lambda self, name, state: not is_beside(name.partition(".")[0]) and call(self, name, state)


def wanted(call: Any) -> Any:
    """Return a patch that takes the user's other modules, too, and remembers that pytest would not have."""

    def should_rewrite(self: Any, name: str, path: str, state: Any) -> bool:
        if call(self, name, path, state):
            return True
        if not __debug__ or not is_users(path) or not is_beside(name.partition(".")[0]):
            return False  # python -O means no asserts here
        PLAIN.add(path)
        return True

    return should_rewrite


def own_version() -> int:
    """Return a number that differs whenever the code that puts counters in does."""
    return zlib.crc32(b"".join(Path(__file__).with_name(name).read_bytes() for name in ("constants.py", "counters.py")))


def is_users(path: str) -> bool:
    """Tell whether a file is the user's own, not an installed package's."""
    return path.startswith(ORDER["root"] + os.sep) and "site-packages" not in path


@functools.cache
def is_beside(name: str) -> bool:
    """Tell whether a top-level module lies in the checkout."""
    try:
        spec = importlib.machinery.PathFinder.find_spec(name)
    except (ImportError, ValueError):
        return False
    places = [] if spec is None else [spec.origin or "", *(spec.submodule_search_locations or ())]
    return any(is_users(place) for place in places)


def patch_unittest(module: Any) -> None:
    """Count unittest's assertions; what opens a block counts at its end."""
    for name in dir(module.TestCase):
        if name.startswith("assert") and name[6:7].isupper() and not name.endswith(BLOCKS):
            patch_now(module.TestCase, name, counting)
    patch_now(getattr(module, "_AssertRaisesContext", None), "__exit__", raised)


def patch_raises() -> None:
    """Count `pytest.raises` that saw its exception: it checks an answer, too."""
    patch_now(type(pytest.raises(Exception)), "__exit__", raised)  # noqa: PT011 - the class is wanted, nothing is raised
    patch_now(getattr(pytest, "RaisesGroup", None), "__exit__", raised)


def raised(call: Any) -> Any:
    """Return a patch that counts a block that ended as it should; one that waits for a failed check is no check."""

    def leave(self: Any, *args: Any) -> Any:
        expected = call(self, *args)
        if expected and not isinstance(args[1], AssertionError):
            passed(REAL)
        return expected

    return leave
