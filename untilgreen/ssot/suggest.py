"""Begins a registry from the code: few lines, each with what speaks for it. A person decides which ones to keep."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from untilgreen.deploy.secrets_reads import IMAGE, PLATFORM
from untilgreen.model.document import Document
from untilgreen.settings import Settings
from untilgreen.settings.ssot import Registry
from untilgreen.ssot.customs import Customs, customs, places_of
from untilgreen.ssot.deviation import context, contexts_of
from untilgreen.ssot.homes import env_reads
from untilgreen.ssot.index import NO_STORE, functions
from untilgreen.ssot.likeness import SAME, Index
from untilgreen.ssot.modules import Code
from untilgreen.ssot.shape import Shape

_MOST = 5
"""Of one sort: whoever has to agree with a line has to read it."""
_FEWEST = 3
"""So many call sites make a custom."""
_SHOWN = 6


class Suggestion(Document):
    """A line that the registry could have."""

    sort: str
    """`canonical`, `constants` or `env`."""
    entry: str
    """Its key."""
    value: dict[str, tuple[str, ...]] | tuple[str, ...]
    """What would stand under it."""
    reason: str
    """In numbers."""
    evidence: tuple[str, ...]
    """`path:line`, the home first."""


@dataclass(frozen=True)
class Ground:
    """What suggestions are made from.

    Args:
        code: the product.
        customs: of its call sites.
        known: what the registry has already.
        contexts: the folders that are deployed apart: one cannot import from another.
    """

    code: Code
    customs: Customs
    known: Registry
    contexts: tuple[str, ...] = field(default=())

    def context(self, path: str) -> str:
        """Return the deployed folder that a file belongs to; empty for the rest."""
        return context(path, self.contexts)


def suggest(code: Code, settings: Settings, known: Registry) -> tuple[Suggestion, ...]:
    """Return what one could declare, the strongest first of each sort, without what is declared already."""
    ground = Ground(code, customs(code), known, contexts_of(settings))
    found: list[Suggestion] = []
    for rule in RULES:
        taken = {one.entry for one in found}
        ranked = sorted((one for one in rule(ground) if one.entry not in taken), key=lambda s: -len(s.evidence))
        found += ranked[:_MOST]
    return tuple(found)


def _canonical_of_sinks(ground: Ground) -> Iterator[Suggestion]:
    """Most arguments of some call come from one function of the repository."""
    by_function: dict[str, list[str]] = defaultdict(list)
    for sink, custom in ground.customs.sinks.items():
        for maker, places in custom.makers.items():
            rest = sum(len(p) for m, p in custom.makers.items() if m != maker) + len(custom.others)
            if len(places) >= _FEWEST and len(places) >= 2 * rest and ":" not in sink and _plain(maker):
                by_function[maker].append(sink)
    for function, sinks in sorted(by_function.items()):
        if function in ground.known.canonical:
            continue
        through = [place for sink in sinks for place in ground.customs.sinks[sink].makers[function]]
        past = sorted(place for sink in sinks for place in _past(ground, sink, function))
        replaces = _primitives(ground, function)
        reason = f"{len(through)} of {len(through) + len(past)} arguments of {', '.join(sinks)} come from it"
        evidence = (*places_of(ground.code, function), *past, *through)
        value = {"replaces": replaces, "sinks": tuple(sinks)} if replaces else {"sinks": tuple(sinks)}
        reason = _past_too(reason, past)
        yield Suggestion(sort="canonical", entry=function, value=value, reason=reason, evidence=evidence)


def _past(ground: Ground, sink: str, function: str) -> list[str]:
    custom = ground.customs.sinks[sink]
    own = set(places_of(ground.code, function))
    others = [place for maker, places in custom.makers.items() if maker != function for place in places]
    return [place for place in (*custom.others, *others) if place not in own]


def _past_too(reason: str, past: list[str]) -> str:
    return f"{reason}; past it: {_some(past)}" if past else reason


def _primitives(ground: Ground, function: str) -> tuple[str, ...]:
    """Return what a function wraps and fewer places call directly than go through it."""
    callers, wrapped = len(ground.customs.callers[function]), ground.customs.wraps.get(function, Counter())
    return tuple(name for name in sorted(wrapped) if 0 < len(_straight(ground, name, function)) < callers)


def _straight(ground: Ground, primitive: str, function: str) -> list[str]:
    """Return who calls a primitive past a function that wraps it and that they could import."""
    home = function.partition(":")[0]
    context = ground.context(home)
    places = ground.customs.callers[primitive]
    return [p for p in places if _file(p) != home and (not context or ground.context(p) == context)]


def _canonical_of_primitives(ground: Ground) -> Iterator[Suggestion]:
    """One function wraps a call from outside, and more places go through it than past it."""
    for function in sorted(ground.customs.wraps):
        callers, replaces = ground.customs.callers[function], _primitives(ground, function)
        if len(callers) < _FEWEST or not replaces or function in ground.known.canonical or not _plain(function):
            continue
        past = [p for name in replaces for p in _straight(ground, name, function)]
        reason = f"{len(callers)} calls go through it, {len(past)} straight to {', '.join(replaces)}"
        evidence = (*places_of(ground.code, function), *past, *callers)
        yield Suggestion(
            sort="canonical",
            entry=function,
            value={"replaces": replaces},
            reason=_past_too(reason, past),
            evidence=evidence,
        )


def _plain(function: str) -> bool:
    """Tell whether others are meant to call a function."""
    return not function.rpartition(":")[2].rpartition(".")[2].startswith("_")


def _near_duplicates(ground: Ground) -> Iterator[Suggestion]:
    """Two functions that are deployed together do the same; the one that more call is the home."""
    found = functions(ground.code.texts, NO_STORE)
    index, paired = Index(found.shapes), set[frozenset[Shape]]()
    for shape in index.functions:
        likeness = index.closest(shape)
        if likeness is None or likeness.dice < SAME or frozenset({shape, likeness.other}) in paired:
            continue
        paired.add(frozenset({shape, likeness.other}))
        home, other = sorted((shape, likeness.other), key=lambda s: (-len(_called(ground, s)), s.path, s.line))
        if _declarable(ground, home, other) and _symbol(home) not in ground.known.canonical:
            reason = f"{other.where} is {likeness.dice:.0%} like it; {len(_called(ground, home))} calls"
            places = (f"{home.path}:{home.line}", f"{other.path}:{other.line}")
            value = {"replaces": (_symbol(other),)}
            yield Suggestion(sort="canonical", entry=_symbol(home), value=value, reason=reason, evidence=places)


def _symbol(shape: Shape) -> str:
    return f"{shape.path}:{shape.name}"


def _called(ground: Ground, shape: Shape) -> list[str]:
    return ground.customs.callers[_symbol(shape)]


def _declarable(ground: Ground, home: Shape, other: Shape) -> bool:
    """Tell whether one could be called instead of the other: no methods, no inner functions, deployed together."""
    modules = [ground.code.module(shape.path) for shape in (home, other)]
    plain = all(m and s.name in m.functions and "." not in s.name for m, s in zip(modules, (home, other), strict=True))
    return plain and home.path != other.path and ground.context(home.path) == ground.context(other.path)


def _constants(ground: Ground) -> Iterator[Suggestion]:
    """A constant with the same literal stands in several files that are deployed together."""
    defined = _defined(ground)
    for (folder, name), values in sorted(defined.items()):
        value, found = next(iter(values.items()))
        if len(values) == 1 and len(found) > 1 and name not in ground.known.constants:
            home = _file(max(found, key=lambda place: (_imports(ground.code, _file(place), name), -len(place))))
            evidence = (*(p for p in found if _file(p) == home), *(p for p in found if _file(p) != home))
            reason = f"{value if len(value) < _LONG else 'one text'} stands in {len(found)} files: {_some(found)}"
            homes = (home, *_elsewhere(defined, folder, name))
            yield Suggestion(sort="constants", entry=name, value=homes, reason=reason, evidence=evidence)


def _elsewhere(defined: Mapping[tuple[str, str], dict[str, list[str]]], folder: str, name: str) -> list[str]:
    """Return a constant's files in the other deployed folders: they cannot import it from here."""
    return [
        _file(place)
        for (other, called), values in sorted(defined.items())
        if called == name and other != folder
        for places in values.values()
        for place in places
    ]


def _defined(ground: Ground) -> dict[tuple[str, str], dict[str, list[str]]]:
    """Return deployed folder and name -> value -> places; a name with two values stands for two things."""
    places: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(ground.code.texts):
        module = ground.code.module(path)
        for name, values in module.values.items() if module else ():
            if re.fullmatch(r"[A-Z][A-Z0-9_]{3,}", name):
                literal = isinstance(values[0], ast.Constant) and _tells(values[0].value)
                key = repr(values[0].value) if literal and isinstance(values[0], ast.Constant) else f"{path} {name}"
                places[ground.context(path), name][key].append(f"{path}:{values[0].lineno}")
    return places


_LONG = 30
_SHORT = 4
_FEW = 10


def _tells(value: object) -> bool:
    """Tell whether a literal is worth one home: small numbers and one or two letters are equal by chance."""
    return len(value) >= _SHORT if isinstance(value, str | bytes) else isinstance(value, int | float) and value >= _FEW


def _imports(code: Code, path: str, name: str) -> int:
    """Count who takes a constant from a file."""
    modules = [m for m in code.naming(frozenset({name})) if name in m.imports]
    return sum(code.imported(m, m.imports[name]) == f"{path}:{name}" for m in modules)


def _env(ground: Ground) -> Iterator[Suggestion]:
    """An environment variable is read in several files that are deployed together."""
    reads: dict[tuple[str, str], list[str]] = defaultdict(list)
    busy: Counter[str] = Counter()
    for name, scope, line in env_reads(ground.code):
        path = scope.module.path
        place = f"{path}:{line}"
        if place not in reads[name, ground.context(path)]:
            reads[name, ground.context(path)].append(place)
            busy[path] += 1
    names = sorted({name for (name, _), places in reads.items() if len({_file(p) for p in places}) > 1})
    for name in names:
        if name not in ground.known.env and name not in PLATFORM | IMAGE:
            contexts = [places for (other, _), places in sorted(reads.items()) if other == name]
            homes = tuple(max((_file(p) for p in places), key=lambda path: (busy[path], path)) for places in contexts)
            found = sorted(p for places in contexts for p in places)
            evidence = (*(p for p in found if _file(p) in homes), *(p for p in found if _file(p) not in homes))
            reason = f"read in {len({_file(p) for p in found})} files: {_some(found)}"
            yield Suggestion(sort="env", entry=name, value=homes, reason=reason, evidence=evidence)


RULES: tuple[Callable[[Ground], Iterator[Suggestion]], ...] = (
    _canonical_of_sinks,
    _canonical_of_primitives,
    _near_duplicates,
    _constants,
    _env,
)


def as_yaml(suggestions: tuple[Suggestion, ...]) -> str:
    """Return the suggestions as they would stand in untilgreen.yaml, each under a comment with its reason."""
    lines = ["ssot:"]
    for sort in ("canonical", "constants", "env"):
        mine = [one for one in suggestions if one.sort == sort]
        lines += [f"  {sort}:"] if mine else []
        for one in mine:
            lines += [f"    # {_comment(one.reason)}", f"    {one.entry}:{_body(one)}"]
    return "\n".join(lines) + "\n" if suggestions else "ssot: {}\n"


def _body(one: Suggestion) -> str:
    if isinstance(one.value, Mapping):
        return "".join(f"\n      {key}: {_flow(list(names))}" for key, names in one.value.items())
    return f" {one.value[0] if len(one.value) == 1 else _flow(list(one.value))}"


def _flow(names: list[str]) -> str:
    return yaml.safe_dump(names, default_flow_style=True, width=10**6).strip()


def _comment(text: str) -> str:
    """Keep words from the code on one line, so that they stay a comment."""
    return " ".join(text.split())


def _file(place: str) -> str:
    return place.rpartition(":")[0]


def _some(places: list[str]) -> str:
    return ", ".join(places[:_SHOWN]) + (f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else "")
