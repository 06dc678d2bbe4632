"""How the failing line differs from its siblings: the call sites that do the same thing elsewhere.

Three comparisons, the narrowest first: who makes the argument that a call gets; which function of the product wraps the
call; which keyword the others pass. Whoever deviates the same way belongs to the same class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from untilgreen.triage.callsites import Definition, Index, Site, index_of
from untilgreen.triage.frames import Spot
from untilgreen.triage.scene import Scene

_FEWEST = 2
"""So many siblings make a custom; one is only another opinion."""


@dataclass(frozen=True, slots=True)
class Deviance:
    """What most siblings do and this line does not.

    Args:
        canonical: the function that they use; with a keyword, the call with it.
        bypassed: what this line uses instead.
        custom: how many sites do it the canonical way.
        total: how many there are.
        others: `path:line` of the other sites with the same defect.
        definition: where the canonical function is defined, if in the product.
        example: a sibling that does it the canonical way.
    """

    canonical: str
    bypassed: str
    custom: int
    total: int
    others: tuple[str, ...]
    definition: Definition | None
    example: Site


def deviance(scene: Scene, service: str, spot: Spot) -> Deviance | None:
    """Compare the calls on a line with their siblings in the service, then in the whole repository."""
    for index in (index_of(scene, service), index_of(scene, "")):
        here = [s for s in index.sites if s.path == spot.path and s.line <= spot.line <= s.end and s.name]
        for compare in (_by_argument, _by_wrapper, _by_keyword):
            if found := next((d for site in here for d in compare(index, site)), None):
                return found
    return None


def _by_argument(index: Index, here: Site) -> Iterator[Deviance]:
    """Compare who makes the argument: most `send(safe(x))`, this one `send(raw(x))`."""
    for position, own in enumerate(here.arguments):
        sites = [s for s in index.named[here.short] if len(s.arguments) > position]
        yield from _choose(index, here, sites, own, lambda s, n=position: s.arguments[n])  # type: ignore[misc]  # mypy cannot infer a default argument


def _choose(index: Index, here: Site, sites: list[Site], own: str, how: Callable[[Site], str]) -> Iterator[Deviance]:
    makers = Counter(_short(how(site)) for site in sites if how(site) not in ("", "="))
    for maker, count in sorted(makers.items(), key=lambda m: (m[0] not in index.definitions, -m[1], m[0])):
        definition = next(iter(index.definitions.get(maker, ())), None)
        rest = len(sites) if not own else sum(makers.values())
        if own == "=" or maker == _short(own) or count < _FEWEST or 2 * count <= rest or not (own or definition):
            continue
        if definition and definition.holds(here.path, here.line):
            continue  # the canonical function itself must use what it wraps
        same = [
            s for s in sites if _short(how(s)) == _short(own) and not (definition and definition.holds(s.path, s.line))
        ]
        example = next(s for s in sites if _short(how(s)) == maker)
        others = tuple(s.place for s in same if s.place != here.place)
        yield Deviance(maker, own, count, count + len(same), others, definition, example)


def _by_wrapper(index: Index, here: Site) -> Iterator[Deviance]:
    """Look for a function of the product that does this call for its callers, and is used more than the bare call."""
    bare = [s for s in index.named[here.short] if _same_call(s, here)]
    makers = sorted({s.function for s in bare if s.returned} & set(index.definitions) - {here.short})
    for name in (name for name in makers if len(index.named.get(name, ())) >= _FEWEST):
        for definition in index.definitions[name]:
            inside = [s for s in bare if s.returned and definition.holds(s.path, s.line)]
            outside = [s for s in bare if not definition.holds(s.path, s.line)]
            callers = index.named[name]
            if not inside or definition.holds(here.path, here.line) or len(callers) <= len(outside):
                continue
            others = tuple(s.place for s in outside if s.place != here.place)
            yield Deviance(name, here.name, len(callers), len(callers) + len(outside), others, definition, callers[0])


def _by_keyword(index: Index, here: Site) -> Iterator[Deviance]:
    """Compare keywords: most `dumps(x, default=str)`, this one without."""
    sites = [s for s in index.named[here.short] if _same_call(s, here)]
    passed = Counter(keyword for site in sites for keyword in site.keywords - here.keywords)
    for keyword, count in sorted(passed.items(), key=lambda item: (-item[1], item[0])):
        if count >= _FEWEST and 3 * count >= 2 * len(sites):
            without = [s for s in sites if keyword not in s.keywords]
            others = tuple(s.place for s in without if s.place != here.place)
            example = next(s for s in sites if keyword in s.keywords)
            yield Deviance(f"{here.name}({keyword}=...)", here.name, count, len(sites), others, None, example)


def unguarded(scene: Scene, service: str, spot: Spot) -> Deviance | None:
    """Find who takes what the failing line waits for and does not give it back.

    The line that fails when a pool is empty is a victim. Among the calls of the same name, those without the `with`
    or the `finally` that most siblings have are the suspects.
    """
    index = index_of(scene, service)
    for here in [s for s in index.sites if s.path == spot.path and s.line <= spot.line <= s.end and s.name]:
        if found := _leaking(here.name, index.named[here.short]):
            return found
    return _past_the_guard(index, spot)


def _leaking(name: str, sites: Sequence[Site]) -> Deviance | None:
    kept = [s for s in sites if s.guarded]
    leaks = [s for s in sites if not s.guarded]
    if not leaks or len(kept) < _FEWEST or len(kept) <= len(leaks):
        return None
    return Deviance(f"with {name}", name, len(kept), len(sites), tuple(s.place for s in leaks), None, kept[0])


def _past_the_guard(index: Index, spot: Spot) -> Deviance | None:
    """Look for who calls the failing function itself, past the function beside it that gives back what it takes.

    `take` fails; `connection` in the same file calls it and is used with `with` by most; whoever else calls `take`
    without a guard keeps what it got.
    """
    direct = index.named.get(spot.function, ())
    leaks = [s for s in direct if s.path != spot.path and not s.guarded]
    around = sorted({s.function for s in direct if s.path == spot.path and s.function != spot.function})
    for name in around:
        kept = [s for s in index.named.get(name, ()) if s.guarded]
        if leaks and len(kept) >= _FEWEST and len(kept) > len(leaks):
            definition = next(iter(index.definitions.get(name, ())), None)
            others = tuple(s.place for s in leaks)
            return Deviance(name, spot.function, len(kept), len(kept) + len(leaks), others, definition, kept[0])
    return None


def _same_call(one: Site, two: Site) -> bool:
    """Compare imported functions by their whole name, methods of objects by the method alone."""
    if one.imported or two.imported or "." not in one.name or "." not in two.name:
        return one.name == two.name
    return one.short == two.short and one.short not in _BROAD


_BROAD = frozenset(
    {"get", "set", "add", "append", "items", "keys", "values", "join", "format", "strip", "split", "close"}
)
"""Methods of so many sorts of object that equal names mean nothing."""


def _short(name: str) -> str:
    return name.rsplit(".", 1)[-1]
