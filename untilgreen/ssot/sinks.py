"""Sinks: calls whose arguments must come from the canonical function.

A function that hands its parameter on to a sink is a sink itself: its callers are looked at, not its own line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from untilgreen.ssot.callees import candidates, is_meant
from untilgreen.ssot.deviation import Deviation, Subject, shown
from untilgreen.ssot.modules import Code
from untilgreen.ssot.names import identity, last
from untilgreen.ssot.origins import Kind, Origin, Origins, argument
from untilgreen.ssot.scopes import Chain, Scope, scopes
from untilgreen.ssot.syntax import walk

_ROUNDS = 6
"""A wrapper of a wrapper of a wrapper; deeper ones are not followed."""


@dataclass(frozen=True)
class Wrapper:
    """A function that hands a parameter on to a sink."""

    scope: Scope
    parameter: str
    origin: Deviation
    """What to say when nobody can be seen calling it."""


@dataclass(frozen=True)
class Site:
    """A call that is a sink, and one argument that must be canonical."""

    scope: Scope
    call: ast.Call
    value: ast.expr
    chain: Chain


def at_sinks(subject: Subject) -> Iterator[Deviation | tuple[str, str]]:
    """Go through all arguments of all sinks: a deviation each, or the class that it conforms to."""
    for canonical in subject.registry.canonical:
        rule = _Rule(subject, canonical)
        sites = rule.held(_declared(subject, canonical))
        done: set[tuple[str, str]] = set()
        for _ in range(_ROUNDS):
            wrappers: list[Wrapper] = []
            for site in sites:
                yield from rule.judge(site, wrappers)
            new = [w for w in wrappers if (w.scope.identity, w.parameter) not in done]
            done |= {(w.scope.identity, w.parameter) for w in new}
            sites = []
            for wrapper in new:
                found = rule.held(_callers(subject.code, wrapper))
                sites += found
                if not found:
                    yield wrapper.origin
            if not sites:
                break


@dataclass(frozen=True)
class _Rule:
    subject: Subject
    canonical: str

    def held(self, sites: Iterator[Site]) -> list[Site]:
        """Leave out the sites that the entry is not for."""
        return [site for site in sites if not self.subject.exempt(site.scope.module.path, self.canonical)]

    def judge(self, site: Site, wrappers: list[Wrapper]) -> Iterator[Deviation | tuple[str, str]]:
        if site.scope.identity == self.canonical:
            return
        origins = Origins(self.subject.code, self.canonical).of(site.scope, site.value, site.chain)
        foreign = sorted((o for o in origins if o.kind in {Kind.OTHER, Kind.UNKNOWN}), key=lambda o: (o.kind, o.what))
        parameters = [o for o in origins if o.kind is Kind.PARAMETER]
        for origin in parameters:
            message = f"nobody here is seen calling {site.scope.name}, so where {origin.what} comes from is not known"
            unknown = self._deviation(site, Origin(Kind.UNKNOWN, origin.what), message)
            wrappers.append(Wrapper(site.scope, origin.what, unknown))
        if foreign:
            yield self._deviation(site, foreign[0])
        elif not parameters and Origin(Kind.CANONICAL) in origins:
            yield "sink", self.canonical

    def _deviation(self, site: Site, origin: Origin, why: str = "") -> Deviation:
        path, line, sink = site.scope.module.path, site.call.lineno, last(_spelt(site.call))
        sure = origin.kind is Kind.OTHER
        what = why or f"{sink} is given {origin.what}" + ("" if sure else ", whose origin the source does not show")
        return Deviation(
            sort="sink",
            entry=self.canonical,
            path=path,
            line=line,
            function=site.scope.where,
            what=origin.what,
            text=shown(site.call),
            message=f"{path}:{line} {site.scope.where}: {what}; it must come from {self.canonical}",
            sure=sure,
        )


def _spelt(call: ast.Call) -> str:
    return f"*.{call.func.attr}" if isinstance(call.func, ast.Attribute) else f"*.{ast.unparse(call.func)}"


def _declared(subject: Subject, canonical: str) -> Iterator[Site]:
    for sink in subject.registry.canonical[canonical].sinks:
        for scope, call, chain in calls(subject.code, sink.call):
            if is_meant(_function(subject.code, scope, call), sink.call):
                for value in _wanted(call, sink.arguments):
                    yield Site(scope, call, value, chain)


def calls(code: Code, declared: str) -> Iterator[tuple[Scope, ast.Call, Chain]]:
    """Go through the calls that may be of something, by how they are spelt."""
    for candidate in candidates(code, declared):
        for scope in scopes(candidate.module):
            for expression, chain in scope.expressions:
                for node in walk(expression):
                    if isinstance(node, ast.Call) and candidate.spells(node.func):
                        yield scope, node, chain


def _function(code: Code, scope: Scope, call: ast.Call) -> str:
    """Return what is called; a method of nobody knows what is known by its own name."""
    found = identity(code, scope, call.func)
    return found or (f"*.{call.func.id}" if isinstance(call.func, ast.Name) else "")


def _wanted(call: ast.Call, arguments: tuple[int | str, ...]) -> Iterator[ast.expr]:
    for number, value in enumerate(call.args):
        if not arguments or number in arguments or isinstance(value, ast.Starred):
            yield value
    for keyword in call.keywords:
        if not arguments or keyword.arg is None or keyword.arg in arguments:
            yield keyword.value


def _callers(code: Code, wrapper: Wrapper) -> Iterator[Site]:
    name = last(wrapper.scope.name)
    method = bool(wrapper.scope.owner)
    for scope, call, chain in calls(code, wrapper.scope.identity):
        found = identity(code, scope, call.func)
        meant = found == wrapper.scope.identity or (method and found == f"*.{name}" and _only(code, name))
        if meant and (passed := argument(wrapper.scope, call, wrapper.parameter)):
            yield Site(scope, call, passed, chain)


def _only(code: Code, name: str) -> bool:
    """Tell whether the repository has one method of this name, so that a call on any object means it."""
    owners = {
        f"{module.path}:{function}"
        for module in code.naming(frozenset({f"def {name}"}))
        for function in module.functions
        if "." in function and last(function) == name
    }
    return len(owners) == 1
