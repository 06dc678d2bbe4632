"""The walk from what a test saw to the cause: the error behind the error, until a change or the end of the evidence."""

from __future__ import annotations

from dataclasses import replace

from untilgreen.model.claims import ConfigMismatch, DefectiveTest, ServiceDown, Unknown
from untilgreen.model.evidence import Case, Entry, Request
from untilgreen.triage.changes import regressed
from untilgreen.triage.deciding import open_end, unknown
from untilgreen.triage.defects import cause_of, raised_link
from untilgreen.triage.dependency import callee_of, ended, is_network, took_long, unreachable
from untilgreen.triage.descent import Descent, Hop
from untilgreen.triage.errors import Error, Errors
from untilgreen.triage.frames import short
from untilgreen.triage.handlers import refused_beyond, suspect
from untilgreen.triage.limits import limited
from untilgreen.triage.missing import absent
from untilgreen.triage.rejected import REFUSAL, behind_refusal, refusal
from untilgreen.triage.revisions import changed_secret, changed_setting, wrong_address
from untilgreen.triage.scene import Scene
from untilgreen.triage.seen import answered, seen
from untilgreen.triage.spoken import spoken
from untilgreen.triage.startup import behind
from untilgreen.triage.support import changed_test
from untilgreen.triage.transitions import changed_there, parting
from untilgreen.triage.undeployed import elsewhere, older_source
from untilgreen.triage.whys import Chain, Link, cite

_BAD = 400
_SERVER = 500
_GATEWAY, _QUOTA = "gateway", "quota"


class Walk:
    """Walks down from failing tests.

    Args:
        scene: the indexed bundle.
        errors: its exceptions.
    """

    def __init__(self, scene: Scene, errors: Errors) -> None:
        self._scene = scene
        self._errors = errors

    def chain(self, descent: Descent) -> Chain:
        """Return the links from what the test saw to the cause, at least one."""
        if not descent.hops:
            return self._client_only(descent.case)
        first, last = descent.hops[0], descent.hops[-1]
        links = seen(self._scene, descent.symptom)
        if len(descent.hops) == 1 and self._family(last) == REFUSAL and not last.error:
            links = ()  # the refusal says it all, and is the first answer then
        if other := elsewhere(self._scene, first):
            return (*seen(self._scene, descent.symptom), *other)
        for caller, hop in zip(descent.hops, descent.hops[1:], strict=False):
            links += self._passage(caller, hop)
            if other := elsewhere(self._scene, hop):
                return (*links, *other)
        return (*links, *(self._older(descent) or self._end(descent, last)))

    def _older(self, descent: Descent) -> Chain:
        """Stop where the source that runs is not the tested one and the difference is where it fails."""
        links = older_source(self._scene, descent)
        error = descent.hops[-1].error
        named = (raised_link(error, f"Why does {descent.hops[-1].service} fail?"),) if links and error else ()
        return (*named, *links)

    def _passage(self, caller: Hop, hop: Hop) -> Chain:
        """Return the links between a service and the one that it depends on."""
        if hop.slow and hop.row:
            return (took_long(self._scene, hop.row),)
        if hop.row is None and caller.error:
            question = f"Why does {caller.service} fail?"
            return (raised_link(caller.error, question), unreachable(caller.service, hop.service, caller.error.entry))
        if hop.named and caller.error:
            return (raised_link(caller.error, f"Why does {caller.service} fail?"),)
        if hop.row and hop.row.status >= _BAD and self._family(hop) != REFUSAL:
            return (answered(self._scene, hop.row, f"Why does {caller.service} fail?"),)
        return ()

    def _end(self, descent: Descent, hop: Hop) -> Chain:
        """Return the links at the service where the fault is."""
        entries = self._scene.entries(descent.case.trace)
        links: Chain = ()
        if hop.row and self._family(hop) == REFUSAL:
            alone = len(descent.hops) == 1 and not hop.error
            links = (refusal(self._scene, hop.row, [h.service for h in descent.hops], entries, first=alone),)
            if cause := behind_refusal(self._scene, self._services(descent), entries):
                return (*links, *cause)
        if self._refused_socket(descent, hop) and (
            cause := behind_refusal(self._scene, self._services(descent), entries)
        ):
            return (*links, *cause)
        if moved := self._misdirected(descent):
            return (*links, *moved)
        if hop.error:
            return (
                *links,
                raised_link(hop.error, f"Why does {hop.service} fail?"),
                *self._behind_error(descent, hop.error, entries),
            )
        return (*links, *self._silent_end(descent, hop, entries))

    def _misdirected(self, descent: Descent) -> Chain:
        """Tell when a service asks another one than before, which cannot know what it is asked for."""
        for caller, callee in zip(descent.hops, descent.hops[1:], strict=False):
            if links := wrong_address(self._scene, caller.service, callee.service):
                return links
        return ()

    def _refused_socket(self, descent: Descent, hop: Hop) -> bool:
        """Tell whether the service closed a WebSocket because it did not accept its caller."""
        closed = self._scene.knowledge.close_code(descent.symptom.closed)
        return hop is descent.hops[0] and closed.family == REFUSAL

    def _family(self, hop: Hop) -> str:
        """Return what sort of answer a service gave; empty when the platform logged none."""
        return self._scene.knowledge.status(hop.row.status).family if hop.row else ""

    def _services(self, descent: Descent) -> list[str]:
        on_trace = [row.service for row in self._scene.rows(descent.case.trace)]
        return list(dict.fromkeys([*(h.service for h in descent.hops), *on_trace]))

    def _behind_error(self, descent: Descent, error: Error, entries: list[Entry]) -> Chain:
        scene, service = self._scene, error.entry.service
        callees = tuple(s for s in self._services(descent) if s != service)
        callee = callee_of(scene, error.entry) if is_network(scene, error.entry) else ""
        if callee and callee not in scene.services:
            link = unreachable(service, callee, error.entry)
            question = f"Why can {service} not reach {callee}?"
            changed = changed_setting(scene, [service], entries, question, related=("egress", "network"))
            return (link, *(changed or (unknown(f"whether {callee} was up and reachable from {service}"),)))
        if _says(scene, error, "permission"):
            question = f"Why may {service} not do this?"
            if changed := changed_setting(scene, [service], entries, question, related=("account",)):
                return changed
        if _says(scene, error, "credentials") and (
            changed := changed_secret(scene, service, f"Why are the credentials of {service} not accepted?")
        ):
            return changed
        return cause_of(scene, error, callees, tuple(entries))

    def _silent_end(self, descent: Descent, hop: Hop, entries: list[Entry]) -> Chain:
        """Return the links where the service itself logged no exception on the trace."""
        scene, row = self._scene, hop.row
        current = scene.current.get(hop.service)
        if current and not current.ready:
            return behind(scene, self._errors, current)
        if row and (links := absent(scene, row)):
            return links
        if row and (links := limited(scene, row)):
            settled = any(isinstance(link.claim, ConfigMismatch) for link in links)
            return links if settled else (*links, *self._changed_handler(descent, hop, always=True))
        if links := self._crashing(hop):
            return links
        return (
            self._spoken(descent, hop)
            or self._changed_handler(descent, hop)
            or self._parted(descent)
            or changed_test(scene, descent.case, self._services(descent))
            or (open_end(scene, descent, hop, entries),)
        )

    def _spoken(self, descent: Descent, hop: Hop) -> Chain:
        """Look for who says what the test got, where the evidence ends and beneath: those above only pass it on.

        What breaks now and then is no consequence of what is always there.
        """
        above = {h.service for h in descent.hops if h is not hop}
        services = [service for service in self._services(descent) if service not in above]
        chance = hop.row is not None and hop.row.status >= _SERVER and self.intermittent(descent, hop.row)
        return () if hop.slow or chance else spoken(self._scene, descent.case, services)

    def _parted(self, descent: Descent) -> Chain:
        """Blame the one change of what logs the lines between which failing tests leave the way of passing ones."""
        found = parting(self._scene, descent)
        hunk = changed_there(self._scene, found) if found else None
        if not (found and hunk):
            return ()
        link = regressed(self._scene, hunk, "Where do they part?", "changed what logs there", strength=0.5)
        answer = f"{found.words} {link.answer}"
        return (replace(link, answer=answer, citations=(*cite(found.last), *link.citations)),)

    def _crashing(self, hop: Hop) -> Chain:
        """A container that ends by itself explains those who get no answer, and its last traceback explains it."""
        current = self._scene.current.get(hop.service)
        end = ended(self._scene, current, hop.row) if current else None
        if not (current and end) or (hop.row and self._family(hop) not in {_GATEWAY, "fault"}):
            return ()
        answer = f"The container of {hop.service} ends by itself: {end.message.strip()[:200]}"
        link = Link(ServiceDown(service=hop.service), f"Why does {hop.service} not answer?", answer, cite(end), 0.8)
        return (link, *behind(self._scene, self._errors, current, end.at))

    def _changed_handler(self, descent: Descent, hop: Hop, *, always: bool = False) -> Chain:
        """Blame a change only if it alone touched what serves this request, and the request fails always.

        Of the services on the trace the innermost comes first, and what passing tests run as well is innocent.
        """
        always = always or hop.slow or self._family(hop) == _QUOTA
        if hop.row is None or (self.intermittent(descent, hop.row) and not always):
            return ()
        callers = [h.row for h in descent.hops if h.row and h is not hop]
        asked = [row for row in self._scene.inner(descent.case) if row.service not in {h.service for h in descent.hops}]
        inner = [*reversed(asked), hop.row]
        rows = [*inner, *reversed(callers)] if hop.row.status >= _SERVER else [*reversed(callers), *inner]
        for row in rows:
            hunk = suspect(self._scene, row)
            if hunk and not (self._family(hop) == REFUSAL and refused_beyond(self._scene, row, hunk)):
                path = self._scene.paths.template(row.path)
                links = (answered(self._scene, row, f"Whom does {hop.service} ask?"),) if row in asked else ()
                question = f"What changed in what {row.service} does for {path}?"
                did = "alone changed what serves it"
                return (*links, regressed(self._scene, hunk, question, did, strength=0.5))
        return self._changed_alone(descent, hop)

    def _changed_alone(self, descent: Descent, hop: Hop) -> Chain:
        """Suspect a setting when it is all that changed in a service: no line of its source did."""
        if not hop.row or hop.row.status < _BAD:
            return ()
        question = f"What changed in {hop.service}?"
        entries = self._scene.entries(descent.case.trace)
        return changed_setting(self._scene, [hop.service], entries, question, sole=True)

    def intermittent(self, descent: Descent, row: Request) -> bool:
        """Tell whether the same route also answers well, at least as often as it fails."""
        if row.status < _BAD:
            return False
        answers = self._scene.tally[self._scene.key_of(row)]
        well = sum(count for status, count in answers.items() if status < _BAD)
        return well >= answers[row.status] and bool(descent.hops)

    def _client_only(self, case: Case) -> Chain:
        """A test that exchanged nothing can blame no service."""
        name = short(case.failure.exception) if case.failure else ""
        if self._scene.knowledge.exception_is(name, "", "own_fault") and not case.exchanges:
            reason = f"it raised {name} before it asked any service"
            claim = DefectiveTest(nodeid=case.nodeid, reason=reason)
            return (Link(claim, "Why does the test fail?", f"{case.nodeid}: {reason}.", cite(case), 0.5),)
        what = "a request of this test in the log of a deployed service"
        claim_unknown = Unknown(missing=(what,))
        return (Link(claim_unknown, "Why does the test fail?", "It reached no deployed service.", cite(case), 0.3),)


def _says(scene: Scene, error: Error, family: str) -> bool:
    """Tell whether an exception is of a family."""
    raised = error.entry.raised
    return raised is not None and scene.knowledge.exception_is(raised.exception, raised.message, family)
