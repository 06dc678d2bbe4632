"""Looks at the tests' interpreter, and collects the tests by the runner of the loop."""

from __future__ import annotations

from pathlib import Path

from untilgreen.adapters import doctor_machine
from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.deploy.wanted import fill
from untilgreen.doctor.facts import CollectionSeen, InterpreterSeen, Unseen
from untilgreen.errors import ConfigError, SuiteCrashed
from untilgreen.model.suite import Outcome
from untilgreen.ports import Suite, SuiteOrder
from untilgreen.settings import Settings
from untilgreen.suite.ordering import interpreter as interpreter_of
from untilgreen.wiring import Workshop

NOWHERE = "127.0.0.1:9"
"""Where services would be while nothing is deployed: nobody answers on the discard port."""

COLLECTION_S = 300.0
"""Collecting 10,000 tests takes seconds; what needs minutes is not collecting."""


def look_at_tests(shop: Workshop, scratch: Path) -> tuple[InterpreterSeen, CollectionSeen | Unseen]:
    """Look at the interpreter and, if it has pytest, at what it collects.

    Args:
        shop: whose settings and adapters.
        scratch: holds the commit's files in `checkout`.
    """
    try:
        python = interpreter_of(shop.settings.suite.python, Path(shop.run.root))
    except ConfigError as error:
        missing = InterpreterSeen(python=shop.settings.suite.python, error=str(error))
        return missing, Unseen(why="there is no such interpreter")
    interpreter = doctor_machine.interpreter(python, scratch / "checkout")
    if not interpreter.pytest:
        return interpreter, Unseen(why="the tests' interpreter has no pytest")
    return interpreter, collection(shop.settings, scratch, PytestSuite(), python)


def collection(settings: Settings, scratch: Path, suite: Suite, python: str) -> CollectionSeen:
    """Collect the tests as a loop would, and run none.

    Args:
        settings: whose suite it is.
        scratch: holds the commit's files in `checkout`; the runner writes beside them.
        suite: the runner of the loop itself, so that what is found here is found there.
        python: the tests' interpreter.
    """
    wanted = settings.suite
    order = SuiteOrder(
        run_id="doctor",
        root=str(scratch / "checkout"),
        path=wanted.path,
        python=python,
        args=(*wanted.args, "--collect-only"),
        workers=wanted.workers,
        env=fill(wanted.env, dict.fromkeys(settings.services, f"http://{NOWHERE}")),
        hosts=(NOWHERE,),
        folder=str(scratch / "suite"),
        deadline_s=min(wanted.deadline_s, COLLECTION_S),
        test_timeout_s=wanted.test_timeout_s,
    )
    seen = CollectionSeen(path=wanted.path, collected=0, minimum=wanted.minimum)
    try:
        found = suite.run(order, _Unheard())
    except SuiteCrashed as error:
        return seen.model_copy(update={"crash": str(error)})
    return seen.model_copy(update={"collected": len(found.collected), "errors": found.collection_errors})


class _Unheard:
    """Watches a collection: nothing is run."""

    def collected(self, total: int) -> None:
        pass

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        pass
