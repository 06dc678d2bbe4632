"""What is true of a fault, said in typed claims: derived from how it was injected, never from what the gate thinks.

Two authors say true things: whoever injected the fault, and the built-in analyst where its chain ends at the
injected cause. Both are said again in other words that mean the same.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from benchmarks.faults import truth
from benchmarks.faults.fault import Cause, Sign, sign
from benchmarks.faults.outcome import Outcome
from benchmarks.review_analyses.sample import Sample, chain
from untilgreen.model.analysis import Analysis
from untilgreen.model.claims import (
    Claim,
    CodeDefect,
    ConfigMismatch,
    ContractBroken,
    DefectiveTest,
    DependencyUnreachable,
    FileExcluded,
    Flaky,
    HttpFailure,
    RegressedBy,
    ResourceExhausted,
    SecretApart,
    SecretMissing,
    SettingChanged,
    SocketClosed,
    StartupFailed,
)
from untilgreen.model.evidence import Case, Commit, Hunk, ImageContent, Item, Request, Revision, Secret, SourceFile
from untilgreen.model.suite import Exchange
from untilgreen.review.claims.templates import value
from untilgreen.review.routes import masked
from untilgreen.triage.step import AUTHOR

ARGUABLE: dict[str, tuple[Sign, ...]] = {
    "F12": (
        sign("service_down", service="depot"),
        sign("dependency_unreachable", callee="depot"),
        sign("config_mismatch", service="depot", key="memory"),
        sign("error_raised", service="gateway"),
    ),
    "F16": (sign("dependency_unreachable", callee="accounts"),),
    "F17": (sign("dependency_unreachable", callee="accounts"), sign("service_down", service="accounts")),
    "F25": (sign("resource_exhausted", service="depot", resource="connections"), sign("service_down", service="depot")),
}
"""What an injector does not name as the cause, and what nobody would call a falsehood: it is left out of both."""

_NORMAL = 1000
"""How a WebSocket is closed when all is well."""
_BAD = 400
_CASES = 3
"""Failing tests that an analysis of ours explains; more add nothing that is judged."""


@dataclass(frozen=True)
class Known:
    """One injected cause beside what it left behind.

    Args:
        outcome: the scored cycle.
        cause: what was injected.
    """

    outcome: Outcome
    cause: Cause

    @cached_property
    def cases(self) -> list[Case]:
        """The tests that fail for this cause; those of another one left out."""
        labelled = truth.labels(self.outcome.fault.last, self.outcome.stages[-1])
        found = [c for c in self.outcome.bundle.find(Case) if c.outcome.bad]
        return [case for case in found if labelled.get(case.nodeid) == self.cause.name]

    @cached_property
    def named(self) -> tuple[str, ...]:
        """Node ids of some of them."""
        return tuple(case.nodeid for case in self.cases[:_CASES])

    @property
    def commits(self) -> dict[str, str]:
        """Name -> sha."""
        return self.outcome.happened.commits

    @cached_property
    def services(self) -> list[str]:
        """All services of the project."""
        return sorted(self.outcome.bundle.manifest.sources)

    @cached_property
    def revisions(self) -> list[Revision]:
        """The revisions under test, those that have a template."""
        return [r for r in self.outcome.bundle.find(Revision) if r.current and r.template]

    @cached_property
    def guilty(self) -> frozenset[str]:
        """The commits that the injector names, of all causes of the cycle."""
        signs = [s for cause in self.outcome.fault.last.causes for s in cause.right]
        return frozenset(self.commits[s.fields["commit"][1:]] for s in signs if "commit" in s.fields)

    @cached_property
    def asked(self) -> list[tuple[str, str]]:
        """Services and masked paths on the traces of the tests that fail for this cause."""
        traces = {case.trace for case in self.cases if case.trace}
        rows = [row for row in self.outcome.bundle.find(Request) if row.trace in traces]
        return list(dict.fromkeys((row.service, masked(row.path)) for row in rows))

    @cached_property
    def sockets(self) -> list[tuple[str, str]]:
        """Services and paths of all WebSockets that tests opened."""
        hosts = {url.partition("://")[2]: name for name, url in self.outcome.bundle.manifest.urls.items()}
        opened = [e for case in self.outcome.bundle.find(Case) for e in case.exchanges if e.method == "WS"]
        return list(dict.fromkeys((hosts[e.host], e.path) for e in opened if e.host in hosts))

    def rows(self, service: str) -> list[Request]:
        """Return a service's rows of the revision under test."""
        revision = self.outcome.bundle.manifest.revisions.get(service, "")
        return self.outcome.bundle.find(Request, service=service, revision=revision)

    def told(self, analysis: Analysis) -> bool:
        """Tell whether an analysis of the built-in analyst ends at this cause."""
        return analysis.author == AUTHOR and truth.names(analysis.leaf.claim, self.cause, self.commits)

    def mentions(self, claim: Claim) -> bool:
        """Tell whether a claim is what any cause of the cycle is, lies on the way to it, or may be said of it."""
        causes = self.outcome.fault.last.causes
        signs = [s for cause in causes for s in (*cause.right, *(sign for group in cause.path for sign in group))]
        signs += ARGUABLE.get(self.outcome.fault.id, ())
        return any(truth.matches(claim, sign, self.commits) for sign in signs)


def known(outcome: Outcome) -> list[Known]:
    """Return the causes that were injected into the scored cycle."""
    return [Known(outcome, cause) for cause in outcome.fault.last.causes]


def truths(outcome: Outcome) -> Iterator[Sample]:
    """Make the true analyses of a fault: the analyst's, the injector's, and both in other words."""
    for cause in known(outcome):
        own = [a for a in outcome.triage.analyses if cause.told(a)]
        base = [("told by the analyst", analysis) for analysis in own]
        base += [("told by the injector", analysis) for analysis in injected(cause)]
        yield from (_sample(outcome, way, analysis) for way, analysis in base)
        for way, reword in REWORDINGS:
            said = [again for _, analysis in base if (again := _reworded(analysis, reword, outcome))]
            yield from (_sample(outcome, way, analysis) for analysis in said[:1])
    if not outcome.fault.last.causes:
        yield from (_sample(outcome, "nobody knows", a) for a in outcome.triage.analyses if a.author == AUTHOR)
    yield from (_sample(outcome, "planted", a) for a in _planted(outcome))


def _planted(outcome: Outcome) -> Iterator[Analysis]:
    said = [a for a in outcome.triage.analyses if a.author != AUTHOR]
    yield from (a for a, planted in zip(said, outcome.fault.planted, strict=False) if planted.true)


def _sample(outcome: Outcome, way: str, analysis: Analysis) -> Sample:
    about = tuple(dict.fromkeys(why.claim.type for why in analysis.whys))
    return Sample(fault=outcome.fault.id, true=True, way=way, about=about, analysis=analysis)


def injected(cause: Known) -> Iterator[Analysis]:
    """Say what was injected: what a test saw, then the cause; where nothing was tested, the cause alone."""
    seen = symptom(cause)
    before: list[tuple[Claim, list[Item]]] = [seen] if seen else []
    for leaf, items in leaves(cause):
        yield chain("injector", cause.named, *before, (leaf, items))


def symptom(cause: Known) -> tuple[Claim, list[Item]] | None:
    """Return what the first failing test of a cause saw, or that a revision did not start."""
    bundle = cause.outcome.bundle
    hosts = {url.partition("://")[2]: service for service, url in bundle.manifest.urls.items()}
    for case in cause.cases:
        last = _telling(case)
        if last and last.host in hosts and (claim := _seen(hosts[last.host], last)):
            return claim, [case]
    refused = [r for r in bundle.find(Revision) if r.current and not r.ready and r.service == cause.cause.services[0]]
    return (StartupFailed(service=refused[0].service, revision=refused[0].name), [*refused]) if refused else None


def _telling(case: Case) -> Exchange | None:
    """Return the exchange that failed, or the last one of the phase in which the test did."""
    phase = case.failure.phase if case.failure else "call"
    made = [e for e in case.exchanges if e.phase == phase]
    bad = [e for e in made if (e.status or 0) >= _BAD or (e.close_code or _NORMAL) != _NORMAL]
    return (bad or made or [None])[-1]


def _seen(service: str, seen: Exchange) -> Claim | None:
    if seen.close_code is not None:
        return SocketClosed(service=service, path=seen.path, close_code=seen.close_code)
    if seen.status is None:
        return None
    return HttpFailure(service=service, method=seen.method, path=masked(seen.path), status=seen.status)


def leaves(cause: Known) -> Iterator[tuple[Claim, list[Item]]]:
    """Go through the injected cause in every form in which it may be claimed, each with what shows it."""
    for wanted in cause.cause.right:
        form = _FORMS.get(wanted.type)
        yield from form(cause, wanted) if form else ()


def _blamed(cause: Known, wanted: Sign) -> Iterator[tuple[Claim, list[Item]]]:
    sha, bundle = cause.commits[wanted.fields["commit"].removeprefix("@")], cause.outcome.bundle
    for commit in (c for c in bundle.find(Commit) if c.sha == sha):
        for path in (p for p in commit.files if fnmatchcase(p, wanted.fields["path"])):
            hunks = [h for h in bundle.find(Hunk) if (h.commit, h.path) == (sha, path)]
            yield RegressedBy(commit=sha, path=path), [commit, *hunks[:1]]


def _line(cause: Known, wanted: Sign) -> Iterator[tuple[Claim, list[Item]]]:
    """Say that the changed line is wrong: the first one within a function, if any is."""
    bundle = cause.outcome.bundle
    guilty = {cause.commits[s.fields["commit"][1:]] for s in cause.cause.right if "commit" in s.fields}
    places = [
        (_symbol(file, line), line, file)
        for file in bundle.find(SourceFile)
        for hunk in bundle.find(Hunk)
        if hunk.commit in guilty and hunk.path == file.path == wanted.fields["path"]
        for line in (hunk.line + n for n, text in enumerate(hunk.added) if text.strip())
    ]
    fitting = [p for p in places if fnmatchcase(p[0], wanted.fields.get("symbol", "*"))]
    for symbol, line, file in sorted(fitting, key=lambda p: p[0] == _MODULE)[:1]:
        yield CodeDefect(path=file.path, line=line, symbol=symbol), [file]


_MODULE = "<module>"


def _symbol(file: SourceFile, line: int) -> str:
    try:
        found = ast.walk(ast.parse(file.content))
    except SyntaxError:
        return _MODULE
    spans = [n for n in found if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    within = [n for n in spans if n.lineno <= line <= (n.end_lineno or n.lineno)]
    return max(within, key=lambda n: n.lineno).name if within else _MODULE


def _secret(_cause: Known, wanted: Sign) -> Iterator[tuple[Claim, list[Item]]]:
    if {"service", "env"} <= set(wanted.fields):
        yield SecretMissing(service=wanted.fields["service"], env=wanted.fields["env"]), []


def _resource(_cause: Known, wanted: Sign) -> Iterator[tuple[Claim, list[Item]]]:
    yield ResourceExhausted(service=wanted.fields["service"], resource=wanted.fields["resource"], blocked="request"), []  # type: ignore[arg-type]  # the pattern is a literal


def _setting(cause: Known, wanted: Sign) -> Iterator[tuple[Claim, list[Item]]]:
    """Say who answered instead, for traffic; for other settings, what they were."""
    service, bundle = wanted.fields.get("service", ""), cause.outcome.bundle
    tested = bundle.manifest.revisions.get(service, "")
    others = {row.revision: row for row in bundle.find(Request, service=service) if row.revision != tested}
    if wanted.fields.get("key") == "traffic":
        for revision, row in others.items():
            yield ConfigMismatch(service=service, key="traffic", expected=tested, actual=revision), [row]
    elif {"service", "key"} <= set(wanted.fields) and "*" not in wanted.fields["key"]:
        for changed, items in _changed(cause, wanted):
            before, after = getattr(changed, "before", ""), getattr(changed, "after", "")
            yield ConfigMismatch(service=service, key=wanted.fields["key"], expected=before, actual=after), items


def _excluded(cause: Known, wanted: Sign) -> Iterator[tuple[Claim, list[Item]]]:
    for image in cause.outcome.bundle.find(ImageContent, service=wanted.fields["service"]):
        for e in image.excluded:
            if fnmatchcase(e.path, wanted.fields["path"]):
                yield FileExcluded(service=image.service, path=e.path, rule_file=e.rule_file, line=e.line), [image]


def _wrong_test(cause: Known, _wanted: Sign) -> Iterator[tuple[Claim, list[Item]]]:
    for case in cause.cases[:1]:
        yield DefectiveTest(nodeid=case.nodeid, reason="it expects what nobody promised"), [case]


def _flickering(cause: Known, _wanted: Sign) -> Iterator[tuple[Claim, list[Item]]]:
    for case in cause.outcome.bundle.find(Case):
        ends = [*(attempt.outcome for attempt in case.earlier), case.outcome]
        if any(end.bad for end in ends) and not all(end.bad for end in ends):
            yield Flaky(nodeid=case.nodeid), [case]
            return


def _unreached(_cause: Known, wanted: Sign) -> Iterator[tuple[Claim, list[Item]]]:
    yield DependencyUnreachable(service=wanted.fields["service"], callee=wanted.fields["callee"]), []


def _contract(_cause: Known, wanted: Sign) -> Iterator[tuple[Claim, list[Item]]]:
    yield ContractBroken(**wanted.fields), []


def _changed(cause: Known, wanted: Sign) -> Iterator[tuple[Claim, list[Item]]]:
    service, key = wanted.fields["service"], wanted.fields["key"]
    found = cause.outcome.bundle.find(Revision, service=service)
    now = [r for r in found if r.current and r.template]
    then = [r for r in found if not r.current and r.template]
    if now and then and now[-1].template and then[-1].template:
        before, after = value(then[-1].template, key), value(now[-1].template, key)
        yield SettingChanged(service=service, key=key, before=before, after=after), [then[-1], now[-1]]


def _apart(cause: Known, wanted: Sign) -> Iterator[tuple[Claim, list[Item]]]:
    service, env = wanted.fields["service"], wanted.fields["env"]
    for secret in cause.outcome.bundle.find(Secret):
        if (secret.status.service, secret.status.binding.env) == (service, env):
            yield SecretApart(service=service, env=env, version=secret.status.binding.version), [secret]


_FORMS: dict[str, Callable[[Known, Sign], Iterator[tuple[Claim, list[Item]]]]] = {
    "regressed_by": _blamed,
    "code_defect": _line,
    "secret_missing": _secret,
    "resource_exhausted": _resource,
    "config_mismatch": _setting,
    "file_excluded": _excluded,
    "test_defect": _wrong_test,
    "flaky": _flickering,
    "dependency_unreachable": _unreached,
    "contract_broken": _contract,
    "setting_changed": _changed,
    "secret_apart": _apart,
}


def _reworded(analysis: Analysis, reword: Callable[[Claim, Outcome], Claim], outcome: Outcome) -> Analysis | None:
    """Return an analysis with its claims in other words; None when those are the same words."""
    whys = tuple(why.model_copy(update={"claim": reword(why.claim, outcome)}) for why in analysis.whys)
    return analysis.model_copy(update={"whys": whys}) if whys != analysis.whys else None


def _short_sha(claim: Claim, _outcome: Outcome) -> Claim:
    return claim.model_copy(update={"commit": claim.commit[:8].upper()}) if isinstance(claim, RegressedBy) else claim


def _concrete_path(claim: Claim, outcome: Outcome) -> Claim:
    """Name one path that was asked for instead of the template, with its query."""
    if not isinstance(claim, HttpFailure):
        return claim
    failed = {case.trace for case in outcome.bundle.find(Case) if case.outcome.bad}
    rows = [row for row in outcome.bundle.find(Request, service=claim.service) if row.trace in failed]
    paths = [r.path for r in rows if r.status == claim.status and masked(r.path) == masked(claim.path)]
    return claim.model_copy(update={"path": paths[0]}) if paths else claim


def _other_holes(claim: Claim, _outcome: Outcome) -> Claim:
    path = getattr(claim, "path", "")
    return claim.model_copy(update={"path": path.replace("{}", "{id}") + "/"}) if path.startswith("/") else claim


def _full_name(claim: Claim, _outcome: Outcome) -> Claim:
    exception = getattr(claim, "exception", "")
    return claim.model_copy(update={"exception": f"builtins.{exception.rpartition('.')[2]}"}) if exception else claim


def _lower_method(claim: Claim, _outcome: Outcome) -> Claim:
    method = getattr(claim, "method", "")
    return claim.model_copy(update={"method": method.lower()}) if method else claim


def _whole_function(claim: Claim, _outcome: Outcome) -> Claim:
    return claim.model_copy(update={"symbol": f"Module.{claim.symbol}"}) if _in_function(claim) else claim


def _in_function(claim: Claim) -> bool:
    return isinstance(claim, CodeDefect) and claim.symbol != _MODULE


REWORDINGS: tuple[tuple[str, Callable[[Claim, Outcome], Claim]], ...] = (
    ("a short sha in capitals", _short_sha),
    ("one path for the template", _concrete_path),
    ("named holes and a slash", _other_holes),
    ("the exception's full name", _full_name),
    ("the method in small letters", _lower_method),
    ("a dotted symbol", _whole_function),
)
