"""The whole visit, from the repository to the disk."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from untilgreen.adapters import doctor_machine
from untilgreen.checkup.clouds import look_at_cloud, unbuilt
from untilgreen.checkup.images import look_at_build
from untilgreen.checkup.suites import look_at_tests
from untilgreen.deploy.wanted import wanted
from untilgreen.doctor.facts import (
    BuildSeen,
    CollectionSeen,
    Facts,
    InterpreterSeen,
    RepositorySeen,
    SettingsSeen,
    Unseen,
)
from untilgreen.doctor.findings import Examination
from untilgreen.doctor.step import judge
from untilgreen.errors import ConfigError, RepositoryError
from untilgreen.model.cycle import Run
from untilgreen.ports import History, Narrator
from untilgreen.settings import FILE, Settings, parse
from untilgreen.wiring import STATE, Workshop, open_history, read_settings

NO_SETTINGS = Unseen(why=f"{FILE} cannot be used")
NO_COMMIT = Unseen(why="nothing is committed")

_CommitFacts = tuple[BuildSeen | Unseen, InterpreterSeen | Unseen, CollectionSeen | Unseen]


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
    seen, settings = _settings(root, repository, history)
    shop = Workshop(_run(root, repository), settings) if settings else None
    narrator.say("doctor", "looking at images and tests, without running any")
    build, interpreter, collection = _commit(shop, history)
    narrator.say("doctor", "asking the cloud")
    cloud, apis, secrets = look_at_cloud(shop) if shop else (NO_SETTINGS, NO_SETTINGS, NO_SETTINGS)
    # Loaded late because it takes a while, and the doctor has already said something by now.
    from untilgreen.adapters.doctor_prefect import server  # noqa: PLC0415 - as above

    return Facts(
        git=doctor_machine.git(),
        repository=repository,
        settings=seen,
        build=build,
        interpreter=interpreter,
        collection=collection,
        cloud=cloud,
        apis=apis,
        secrets=secrets,
        server=server(),
        environment=doctor_machine.environment(),
        disk=doctor_machine.disk(root / STATE),
    )


def _repository(root: Path) -> tuple[RepositorySeen, History | None]:
    try:
        history = open_history(root)
        return RepositorySeen(commit=history.resolve("HEAD"), uncommitted=history.uncommitted()), history
    except RepositoryError as error:
        return RepositorySeen(error=str(error)), None


def _settings(root: Path, seen: RepositorySeen, history: History | None) -> tuple[SettingsSeen, Settings | None]:
    """Read what a loop would read; where that is not committed yet, what lies in the folder."""
    committed = history is not None and history.read(seen.commit, FILE) is not None
    commit, file = (seen.commit if committed else ""), root / FILE
    if not committed and not file.is_file():
        return SettingsSeen(commit="", error=f"{root}: there is no {FILE}"), None
    try:
        settings = read_settings(history, commit) if committed and history else parse(file.read_text("utf-8"))
        wanted(_run(root, seen), settings, unbuilt(settings, seen.commit))  # refuses what no rollout could begin with
    except (ConfigError, OSError, UnicodeDecodeError) as error:
        return SettingsSeen(commit=commit, error=str(error)), None
    return SettingsSeen(commit=commit, services=tuple(settings.services)), settings


def _commit(shop: Workshop | None, history: History | None) -> _CommitFacts:
    """Look at the files of the commit."""
    if shop is None:
        return NO_SETTINGS, NO_SETTINGS, NO_SETTINGS
    if history is None:
        return NO_COMMIT, NO_COMMIT, NO_COMMIT
    with TemporaryDirectory(prefix="untilgreen-doctor-") as scratch:
        checkout = Path(scratch, "checkout")
        history.export(shop.run.commit, checkout)
        return look_at_build(shop, checkout), *look_at_tests(shop, Path(scratch))


def _run(root: Path, seen: RepositorySeen) -> Run:
    return Run(loop="doctor", cycle=1, commit=seen.commit, root=str(root), state=str(root / STATE))
