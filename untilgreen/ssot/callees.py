"""Whether a call is the one that the registry names."""

from __future__ import annotations

import builtins

from untilgreen.ssot.modules import Code
from untilgreen.ssot.names import identity, last
from untilgreen.ssot.scopes import scopes


def is_meant(function: str, declared: str) -> bool:
    """Tell whether an identity is what an entry means.

    Args:
        function: in the words of `modules`.
        declared: a symbol, an imported name, or a bare name: that of a builtin, or else of anything that is called so.
    """
    if not function:
        return False
    if ":" in declared or "." in declared or hasattr(builtins, declared):
        return function == declared or function.startswith(f"{declared}.")
    return last(function) == declared or function.startswith(f"{declared}.")


def words(code: Code, declared: str) -> frozenset[str]:
    """Return the words of which a file must have one to use it: its own last part, and what imports call it."""
    own = last(declared)
    found = {own}
    for module in code.naming(frozenset({own})):
        top = scopes(module)[0]
        found |= {alias for alias, source in module.imports.items() if source.endswith(f"|{own}")}
        for alias, values in module.values.items():
            if any(is_meant(identity(code, top, value), declared) for value in values):
                found.add(last(alias))
    return frozenset(found)
