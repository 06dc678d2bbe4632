"""The doctor's visit: looks at everything through the adapters of the loop itself, then lets the rules judge."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path, PurePosixPath

from untilgreen.adapters import doctor_machine
from untilgreen.deploy.wanted import binding, fill
from untilgreen.doctor.facts import (
    ApiProblem,
    ApiSeen,
    BuildSeen,
    CloudSeen,
    CollectionSeen,
    ContextSeen,
    Facts,
    InterpreterSeen,
    RepositorySeen,
    SecretsSeen,
    SettingsSeen,
    Unseen,
)
from untilgreen.doctor.findings import Examination
from untilgreen.doctor.step import judge
from untilgreen.errors import ConfigError, RepositoryError, SuiteCrashed, UntilgreenError
from untilgreen.model.cycle import Run
from untilgreen.model.suite import Outcome
from untilgreen.ports import History, Narrator, Secrets, Suite, SuiteOrder
from untilgreen.settings import FILE, CommandBuilder, Service, Settings, parse
from untilgreen.wiring import STATE, Workshop, cloud, open_history, read_settings

NOWHERE = "127.0.0.1:9"
"""Where services would be while nothing is deployed: nobody answers on the discard port."""

COLLECTION_S = 300.0
"""Collecting 10,000 tests takes seconds; what needs minutes is not collecting."""

NO_SETTINGS = Unseen(why=f"{FILE} cannot be used")
NO_COMMIT = Unseen(why="nothing is committed")


def examine(root: Path, narrator: Narrator) -> Examination:
    """Look at a project, its machine and its cloud. Nothing is changed but `.untilgreen/`.

    Args:
        root: the repository's root.
        narrator: is told what is being looked at.
    """
    return judge(look(root, narrator), str(root))


def look(root: Path, narrator: Narrator) -> Facts:
    """Collect the facts. What fails is a fact, too, and keeps nothing else from being looked at."""
    repository, history = _repository(root)
    settings, wanted = _settings(root, repository, history)
    narrator.say("doctor", "collecting the tests, without running them")
    interpreter, collection = _tests(wanted, repository, history)
    narrator.say("doctor", "asking the cloud")
    reached, apis, secrets = _cloud(root, wanted, repository)
    # Loaded here because it takes a while, and the doctor has already said something by then.
    from untilgreen.adapters.doctor_prefect import server  # noqa: PLC0415 - as above

    return Facts(
        git=doctor_machine.git(),
        repository=repository,
        settings=settings,
        build=_build(wanted, repository, history),
        interpreter=interpreter,
        collection=collection,
        cloud=reached,
        apis=apis,
        secrets=secrets,
        server=server(),
        environment=doctor_machine.environment(),
        disk=doctor_machine.disk(root / STATE),
    )


def _repository(root: Path) -> tuple[RepositorySeen, History | None]:
    try:
        history = open_history(root)
        commit = history.resolve("HEAD")
        return RepositorySeen(commit=commit, uncommitted=doctor_machine.uncommitted(root)), history
    except RepositoryError as error:
        return RepositorySeen(error=str(error)), None


def _settings(root: Path, seen: RepositorySeen, history: History | None) -> tuple[SettingsSeen, Settings | None]:
    """Read what a loop would read; where that is not committed yet, what lies in the folder."""
    commit, file = "", root / FILE
    try:
        if history and history.read(seen.commit, FILE) is not None:
            commit = seen.commit
            settings = read_settings(history, commit)
        elif file.is_file():
            settings = parse(file.read_text("utf-8"))
        else:
            return SettingsSeen(commit="", error=f"{root}: there is no {FILE}"), None
    except (ConfigError, OSError, UnicodeDecodeError) as error:
        return SettingsSeen(commit=commit, error=str(error)), None
    return SettingsSeen(commit=commit, services=tuple(settings.services)), settings


def _build(settings: Settings | None, seen: RepositorySeen, history: History | None) -> BuildSeen | Unseen:
    if settings is None:
        return NO_SETTINGS
    if history is None:
        return NO_COMMIT
    files = history.files(seen.commit)
    contexts = tuple(context(name, wanted, files) for name, wanted in settings.services.items())
    return BuildSeen(emulated=settings.cloud.target == "emulator", contexts=contexts)


def context(name: str, service: Service, files: tuple[str, ...]) -> ContextSeen:
    """Look at one build context among a commit's files."""
    folder = PurePosixPath(service.source).as_posix()
    inside = files if folder == "." else tuple(path for path in files if path.startswith(f"{folder}/"))
    program = _program(service.builder.command) if isinstance(service.builder, CommandBuilder) else ""
    return ContextSeen(
        service=name,
        source=service.source,
        files=len(inside),
        procfile=str(PurePosixPath(folder, "Procfile")) in inside,
        builder=service.builder.kind,
        program=program,
        on_path=not program or doctor_machine.on_path(program),
    )


def _program(command: str | tuple[str, ...]) -> str:
    """Return what a command line starts first; a text may begin with assignments."""
    words = command.split() if isinstance(command, str) else command
    return next((word for word in words if "=" not in word), "")


def _tests(
    settings: Settings | None, seen: RepositorySeen, history: History | None
) -> tuple[InterpreterSeen | Unseen, CollectionSeen | Unseen]:
    if settings is None:
        return NO_SETTINGS, NO_SETTINGS
    if history is None:
        return NO_COMMIT, NO_COMMIT
    from untilgreen.adapters.pytest_suite import PytestSuite  # noqa: PLC0415 - as in the wiring

    with tempfile.TemporaryDirectory(prefix="untilgreen-doctor-") as scratch:
        checkout = Path(scratch, "checkout")
        history.export(seen.commit, checkout)
        interpreter = doctor_machine.interpreter(settings.suite.python or sys.executable, checkout)
        if not interpreter.pytest:
            return interpreter, Unseen(why="the tests' interpreter has no pytest")
        return interpreter, collection(settings, Path(scratch), PytestSuite())


def collection(settings: Settings, scratch: Path, suite: Suite) -> CollectionSeen:
    """Collect the tests as a loop would, and run none.

    Args:
        settings: whose suite it is.
        scratch: holds the commit's files in `checkout`; the runner writes beside them.
        suite: the runner of the loop itself, so that what is found here is found there.
    """
    wanted = settings.suite
    order = SuiteOrder(
        run_id="doctor",
        root=str(scratch / "checkout"),
        path=wanted.path,
        python=wanted.python or sys.executable,
        args=(*wanted.args, "--collect-only"),
        workers=wanted.workers,
        env=fill(wanted.env, dict.fromkeys(settings.services, f"http://{NOWHERE}")),
        hosts=(NOWHERE,),
        folder=str(scratch / "suite"),
        deadline_s=min(wanted.deadline_s, COLLECTION_S),
        test_timeout_s=wanted.test_timeout_s,
    )
    try:
        found = suite.run(order, _Unheard())
    except SuiteCrashed as error:
        return CollectionSeen(path=wanted.path, collected=0, minimum=wanted.minimum, crash=str(error))
    return CollectionSeen(
        path=wanted.path,
        collected=len(found.collected),
        minimum=wanted.minimum,
        errors=found.collection_errors,
        notes=found.notes,
    )


class _Unheard:
    """Watches a collection: nothing is run."""

    def collected(self, total: int) -> None:
        pass

    def finished(self, nodeid: str, outcome: Outcome) -> None:
        pass


_CloudFacts = tuple[CloudSeen | Unseen, tuple[ApiSeen, ...] | Unseen, SecretsSeen | Unseen]


def _cloud(root: Path, settings: Settings | None, seen: RepositorySeen) -> _CloudFacts:
    if settings is None:
        return NO_SETTINGS, NO_SETTINGS, NO_SETTINGS
    wanted = settings.cloud
    try:
        with cloud(root, settings) as endpoint:
            return _reached(root, settings, seen, endpoint)
    except UntilgreenError as error:
        reached = CloudSeen(target=wanted.target, endpoint=wanted.endpoint, project=wanted.project, error=str(error))
        nothing = Unseen(why="the cloud cannot be reached")
        return reached, nothing, nothing


def _reached(root: Path, settings: Settings, seen: RepositorySeen, endpoint: str) -> _CloudFacts:
    from untilgreen.adapters import doctor_google  # noqa: PLC0415 - Google's clients take 1.5 s

    wanted = settings.cloud
    identity = "" if endpoint else doctor_google.identity()
    reached = CloudSeen(target=wanted.target, endpoint=endpoint, project=wanted.project, identity=identity)
    apis = doctor_google.apis(wanted.project, wanted.region, endpoint)
    if any(api.problem is ApiProblem.UNREACHABLE for api in apis):
        return reached, apis, Unseen(why="an API does not answer")
    run = Run(loop="doctor", cycle=1, commit=seen.commit, root=str(root), state=str(root / STATE), endpoint=endpoint)
    return reached, apis, secrets(settings, Workshop(run, settings).secrets)


def secrets(settings: Settings, vault: Secrets) -> SecretsSeen | Unseen:
    """Check every binding of every service, as the step deploy does before it moves anything."""
    unbound = {}
    statuses = []
    try:
        for service, wanted in settings.services.items():
            bindings = (binding(env, reference) for env, reference in wanted.secrets.items())
            statuses += [vault.check(service, bound, wanted.account) for bound in bindings]
            if missing := set(wanted.needs) - wanted.env.keys() - wanted.secrets.keys():
                unbound[service] = tuple(sorted(missing))
    except UntilgreenError as error:
        return Unseen(why=str(error))
    return SecretsSeen(statuses=tuple(statuses), unbound=unbound)
