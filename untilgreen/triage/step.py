"""Step triage: a bundle in, groups and analyses out. Pure: the same bundle gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

from untilgreen.collect.bundle import Bundle
from untilgreen.errors import AnalysisUnreadable
from untilgreen.model.analysis import Analysis, Group, Triage
from untilgreen.model.claims import ErrorRaised
from untilgreen.model.document import content_id
from untilgreen.model.evidence import HealthSeen, Revision
from untilgreen.ports import Analyst
from untilgreen.triage.descent import Descent, descend
from untilgreen.triage.errors import Errors
from untilgreen.triage.group import Cluster, clusters
from untilgreen.triage.masking import mask
from untilgreen.triage.naming import called
from untilgreen.triage.refused import refusals
from untilgreen.triage.rivals import rivals
from untilgreen.triage.scene import Scene
from untilgreen.triage.startup import incident
from untilgreen.triage.walk import Walk
from untilgreen.triage.whys import Chain, numbered, shortened

AUTHOR = "built-in"


def triage(bundle: Bundle, analysts: Sequence[Analyst] = ()) -> Triage:
    """Find the causes of a cycle's failures.

    Args:
        bundle: the evidence.
        analysts: others who propose causes; each analysis goes to the group that it shares most tests with.

    Returns:
        Groups, incidents first and the unobserved last, and the analyses of all analysts, the built-in one's first.
    """
    groups, own = _own(bundle)
    others, notes = _heard(bundle, [analyst for analyst in analysts if not isinstance(analyst, BuiltIn)])
    return Triage(groups=groups, analyses=(*own, *assigned(groups, others)), notes=notes)


def _heard(bundle: Bundle, analysts: Sequence[Analyst]) -> tuple[list[Analysis], tuple[str, ...]]:
    """Ask each analyst; one that fails keeps nobody else from being heard."""
    found: list[Analysis] = []
    notes = []
    for analyst in analysts:
        try:
            found += analyst.analyse(bundle)
        except AnalysisUnreadable as error:
            notes.append(str(error))
    return found, tuple(notes)


class BuiltIn:
    """The analyst that needs nobody: it walks from each group's symptom to its cause by the evidence alone."""

    def analyse(self, bundle: object) -> tuple[Analysis, ...]:
        """Return one analysis for each group that could be observed.

        Raises:
            TypeError: it is no bundle.
        """
        if not isinstance(bundle, Bundle):
            raise TypeError(f"an analyst reads a Bundle, not a {type(bundle).__name__}")
        return _own(bundle)[1]


def _own(bundle: Bundle) -> tuple[tuple[Group, ...], tuple[Analysis, ...]]:
    scene = Scene(bundle)
    errors = Errors(scene)
    walk = Walk(scene, errors)
    descents = [descend(scene, errors, case) for case in scene.bad]
    down = _refused(scene) or _incidents(scene, errors, descents)
    hidden = {case.nodeid for cluster in down for case in cluster.cases}
    rest = clusters(walk, [d for d in descents if d.case.nodeid not in hidden])
    found = [*down, *sorted(rest, key=lambda c: (-len(c.cases), c.key))]
    groups = [_group(cluster) for cluster in found]
    analyses = [_analysis(scene, group, cluster.chain) for group, cluster in zip(groups, found, strict=True)]
    return (*groups, *_masked(scene, groups[: len(down)])), tuple(analyses)


def _refused(scene: Scene) -> list[Cluster]:
    """One cluster for each cause for which nothing was rolled out: no test has seen anything of this commit."""
    chains = [(service, chain) for service, chain in refusals(scene) if chain]
    return [Cluster(f"{service} is refused: {_leaf(chain)}", (), chain) for service, chain in chains]


def _leaf(chain: Chain) -> str:
    """Name what is wrong, not who brought it: commits differ where causes are the same."""
    return mask(called(chain[0].claim))[:160]


def _incidents(scene: Scene, errors: Errors, descents: list[Descent]) -> list[Cluster]:
    """One cluster for each service that does not work at all, with the failures whose walk enters it."""
    found = []
    taken: set[str] = set()
    for revision in _down(scene):
        chain = incident(scene, errors, revision)
        entering = [d.case for d in descents if d.case.nodeid not in taken and _enters(d, revision)]
        taken |= {case.nodeid for case in entering}
        found.append(Cluster(_words(scene, revision, chain), tuple(entering), chain))
    return found


def _down(scene: Scene) -> list[Revision]:
    """Return the revisions that never became ready; with no test run at all, also those that are not healthy."""
    ran = bool(scene.bad or scene.passed)
    well = {h.service for h in scene.bundle.find(HealthSeen) if h.ok}
    ill = {h.service for h in scene.bundle.find(HealthSeen)} - well
    return [r for _, r in sorted(scene.current.items()) if not r.ready or (not ran and r.service in ill)]


def _enters(descent: Descent, revision: Revision) -> bool:
    return any(hop.service == revision.service for hop in descent.hops)


def _words(scene: Scene, revision: Revision, chain: Chain) -> str:
    """Name an incident by what stopped the service, without the revision's name."""
    what = f"{revision.service} does not start" if not revision.ready else f"{revision.service} does not work"
    for link in chain:
        claim = link.claim
        if isinstance(claim, ErrorRaised) and link.citations:
            return f"{what}: {mask(link.citations[0].quote)[:160]}"
    return f"{what}: {mask(_reason(scene, revision, chain))[:160]}"


def _reason(scene: Scene, revision: Revision, chain: Chain) -> str:
    leaf = chain[-1].claim
    if leaf.type != "unknown":
        return called(leaf)
    return scene.current[revision.service].reason or "no reason given"


def _group(cluster: Cluster) -> Group:
    cases = tuple(case.nodeid for case in cluster.cases)
    return Group(id=content_id("group", cluster.key), key=cluster.key, cases=cases)


def _masked(scene: Scene, incidents: list[Group]) -> tuple[Group, ...]:
    """Put the tests that did not run because of an incident into a group of their own: unobserved, not explained."""
    if not incidents or not scene.not_run:
        return ()
    key = f"not observed: {incidents[0].key}"
    cases = tuple(case.nodeid for case in scene.not_run)
    return (Group(id=content_id("group", key), key=key, cases=cases, masked_by=incidents[0].id),)


def _analysis(scene: Scene, group: Group, chain: Chain) -> Analysis:
    links = shortened(chain)
    whys = numbered(links)
    said = "\n".join(why.model_dump_json() for why in whys)
    return Analysis(
        id=content_id("analysis", f"{AUTHOR}\n{group.id}\n{said}"),
        author=AUTHOR,
        group=group.id,
        cases=group.cases,
        whys=whys,
        rivals=rivals(scene, links),
        confidence=min(link.strength for link in links),
    )


def assigned(groups: Sequence[Group], analyses: Sequence[Analysis]) -> tuple[Analysis, ...]:
    """Give each analysis the group that it shares most tests with; its tests stay its own claim.

    One that names a group keeps it. One that shares no test goes to the first group: whoever speaks is judged.
    """
    by_name = {name: group.id for group in groups for name in (group.id, group.key)}
    found = []
    for analysis in analyses:
        shared = {g.masked_by or g.id: 0 for g in groups}
        for group in groups:
            shared[group.masked_by or group.id] += len(set(group.cases) & set(analysis.cases))
        best = by_name.get(analysis.group) or max(shared, key=lambda name: shared[name], default=analysis.group)
        found.append(analysis.model_copy(update={"group": best}))
    return tuple(found)
