"""One refused cycle over fakes: commits in, build, deploy, collect, triage and review out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from untilgreen.build.step import build
from untilgreen.collect.bundle import Bundle
from untilgreen.collect.step import collect
from untilgreen.deploy.step import deploy
from untilgreen.model.analysis import Analysis, Group, Review
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Images, Rollout
from untilgreen.model.suite import Outcome, Result
from untilgreen.ports import Checker
from untilgreen.review.gate import review
from untilgreen.settings import FILE, parse
from untilgreen.testing import (
    FakeBuilder,
    FakeChecker,
    FakeClock,
    FakeHistory,
    FakeLogs,
    FakeSecrets,
    FakeServices,
)
from untilgreen.triage.step import triage

TESTS = tuple(Result(nodeid=f"e2e/test_a.py::test_{n}", outcome=Outcome.NOT_RUN, reason="refused") for n in range(3))


@dataclass(frozen=True)
class Refused:
    """What a cycle left behind."""

    history: FakeHistory
    services: FakeServices
    images: Images
    rollout: Rollout
    bundle: Bundle
    groups: tuple[Group, ...]
    analyses: tuple[Analysis, ...]
    reviews: tuple[Review, ...]

    @property
    def claims(self) -> list[list[tuple[str, str]]]:
        """Return the claims of each chain: type and subject."""
        return [[(why.claim.type, why.claim.subject) for why in analysis.whys] for analysis in self.analyses]


def cycle(
    root: Path,
    *trees: Mapping[str, str],
    checker: Checker | None = None,
    secrets: FakeSecrets | None = None,
    good: int = 0,
) -> Refused:
    """Take the last of some commits through a cycle.

    Args:
        root: a folder of the test's own.
        trees: path -> text of each commit, the oldest first.
        checker: parses sources; the fake one when none is given.
        secrets: the cloud's; all usable when none are given.
        good: how many commits ago a cycle was good; 0 when none was.
    """
    history = FakeHistory(*((f"commit {number}", tree) for number, tree in enumerate(trees)))
    services, clock = FakeServices(), FakeClock()

    def step(commit: str, number: int) -> tuple[Run, Images, Rollout]:
        settings = parse(history.read(commit, FILE) or "")
        builders = {name: FakeBuilder(f"sha256:{number:064d}") for name in settings.services}
        checks = checker or FakeChecker()
        workdir = root / f"work-{number}"
        images = build(settings, commit, history, builders=builders, checker=checks, workdir=workdir)
        run = Run(loop="loop", cycle=number, commit=commit, root="", state="")
        return run, images, deploy(run, settings, images, services, secrets or FakeSecrets(), clock=clock)

    shas = [info.sha for info in history.log(history.head, len(trees))]
    earlier = step(shas[good], 1)[2] if good else None
    run, images, rollout = step(history.head, 2)
    bundle = collect(
        run,
        parse(history.read(history.head, FILE) or ""),
        images,
        rollout,
        None,
        TESTS,
        logs=FakeLogs(),
        services=services,
        history=history,
        good=earlier,
        clock=clock,
    )
    found = triage(bundle)
    reviews = tuple(review(analysis, bundle) for analysis in found.analyses)
    return Refused(history, services, images, rollout, bundle, found.groups, found.analyses, reviews)
