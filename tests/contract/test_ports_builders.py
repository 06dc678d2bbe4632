"""The ports Builder and Checker, over real commands, a real ruff, and their fakes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from untilgreen.adapters.command_builder import CommandBuilder, DigestCommand
from untilgreen.adapters.prebuilt_images import PrebuiltImages, ask_registry
from untilgreen.adapters.ruff_checker import RuffChecker
from untilgreen.adapters.snapshot_registry import SnapshotRegistry
from untilgreen.errors import BuildFailed, CloudUnavailable, ConfigError
from untilgreen.ports import Builder, BuildOrder, Checker
from untilgreen.testing import FakeBuilder, FakeChecker, FakeRegistry

DIGEST = f"sha256:{7:064x}"
OTHER = f"sha256:{8:064x}"


@pytest.fixture
def order(tmp_path: Path) -> BuildOrder:
    """Return an order for a context that a snapshot can be made of."""
    context = tmp_path / "root/web app"
    context.mkdir(parents=True)
    (context / "Procfile").write_text("web: python app.py\n")
    return BuildOrder(
        service="web",
        image="registry.test/web",
        commit="c" * 40,
        root=str(tmp_path / "root"),
        context=str(context),
        files=("Procfile",),
    )


@pytest.fixture(params=["snapshot", "command", "prebuilt", "fake", "fake registry"])
def builder(request: pytest.FixtureRequest, tmp_path: Path) -> Builder:
    """Return each builder in turn."""
    makers: dict[str, Callable[[], Builder]] = {
        "snapshot": lambda: SnapshotRegistry(tmp_path / "images"),
        "command": lambda: CommandBuilder(("echo", DIGEST)),
        "prebuilt": lambda: PrebuiltImages("", DIGEST, ask_registry),
        "fake": FakeBuilder,
        "fake registry": FakeRegistry,
    }
    return makers[request.param]()


def test_builders_give_digests(builder: Builder, order: BuildOrder) -> None:
    """Whoever is ready builds, and the answer is a digest."""
    builder.ready()
    assert re.fullmatch("sha256:[0-9a-f]{64}", builder.build(order))


@pytest.mark.parametrize("files", [[], ["good.py"], ["good.py", "bad name.py", "-odd.py", "build/bad.py"]])
def test_checkers_agree(tmp_path: Path, files: list[str]) -> None:
    """Real and fake name the same files and lines, in whatever folder and under whatever name."""
    for path in files:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("a = 1\n" if path == "good.py" else "a = 1\ndef f(:\n    pass\n")
    checkers: tuple[Checker, ...] = (RuffChecker(), FakeChecker())
    real, fake = ({(d.path, d.line) for d in checker.check(tmp_path, files, "3.11")} for checker in checkers)
    assert fake == {(path, 2) for path in files if path != "good.py"}
    assert fake <= real
    assert {path for path, _ in real} == {path for path, _ in fake}


@pytest.mark.parametrize(
    ("source", "since"),
    [
        ('a = f"{f"{1}"}"\n', "3.12"),
        ("type A = int\n", "3.12"),
        ("def f[T](a: T): ...\n", "3.12"),
        ("try: pass\nexcept* ValueError: pass\n", "3.11"),
        ("match 1:\n    case _: pass\n", "3.10"),
    ],
)
def test_ruff_knows_every_version(tmp_path: Path, source: str, since: str) -> None:
    """Newer syntax is found under older versions, whatever the version that runs the check."""
    (tmp_path / "a.py").write_text(source)
    before = f"3.{int(since[2:]) - 1}"
    assert RuffChecker().check(tmp_path, ["a.py"], since) == ()
    assert [d.path for d in RuffChecker().check(tmp_path, ["a.py"], before)] == ["a.py"]


def test_ruff_finds_what_only_the_compiler_refuses(tmp_path: Path) -> None:
    """A `return` in a module parses, and still nothing can import it; nobody's noqa hides that."""
    (tmp_path / "a.py").write_text("return 1  # noqa\n")
    assert [(d.path, d.line) for d in RuffChecker().check(tmp_path, ["a.py"], "3.11")] == [("a.py", 1)]


def test_ruff_is_untouched_by_configuration(tmp_path: Path) -> None:
    """A project that excludes its files from linting is checked all the same."""
    (tmp_path / "ruff.toml").write_text('exclude = ["*"]\n')
    (tmp_path / "a.py").write_text("def f(:\n")
    assert RuffChecker().check(tmp_path, ["a.py"], "3.11")


def test_unknown_python(tmp_path: Path) -> None:
    """A version that ruff does not know is an error with what to do, and no pass."""
    (tmp_path / "a.py").write_text("")
    with pytest.raises(ConfigError, match=r"cannot check sources for Python 3\.99"):
        RuffChecker().check(tmp_path, ["a.py"], "3.99")


def test_placeholders(order: BuildOrder) -> None:
    """Names in braces are filled in, in a text for the shell with quotes; other braces stay."""
    line = f"cd {{context}} && test -f Procfile && echo '{{x}}' {{image}} {{commit}} {{service}} {DIGEST}"
    assert CommandBuilder(line).build(order) == DIGEST
    words = ("sh", "-c", f'cd "$0" && echo "$1" "$2" {DIGEST}', "{root}", "{image}:{commit}", "{service}")
    assert CommandBuilder(words).build(order) == DIGEST


def test_last_digest_wins(order: BuildOrder) -> None:
    """Builders print the digests of layers and bases before that of the image."""
    assert CommandBuilder(f"echo base {OTHER}; echo 'v1: digest: {DIGEST} size: 12'").build(order) == DIGEST
    assert CommandBuilder(("echo", f"{OTHER}\nregistry.test/web@{DIGEST}")).build(order) == DIGEST


def test_digest_from_elsewhere(order: BuildOrder) -> None:
    """A second command or a file may hold the digest."""
    assert CommandBuilder(("true",), digest_command=f"echo {{image}}@{DIGEST}").build(order) == DIGEST
    assert CommandBuilder(f"echo {DIGEST} > made.txt", digest_file="made.txt").build(order) == DIGEST
    with pytest.raises(BuildFailed, match=r"wrote no made\.txt"):
        CommandBuilder(f"rm -f made.txt; echo {OTHER}", digest_file="made.txt").build(order)
    with pytest.raises(BuildFailed, match="digest_command printed no"):
        CommandBuilder(("true",), digest_command=("echo", "nothing")).build(order)


def test_failed_build_shows_its_last_lines(order: BuildOrder) -> None:
    """What the builder printed last stands in the error, without colors and without its beginning."""
    line = r"for n in $(seq 100); do echo line $n >&2; done; printf '\033[31mno space left\033[0m\n' >&2; exit 7"
    with pytest.raises(BuildFailed) as caught:
        CommandBuilder(line).build(order)
    assert "web: the build failed" in str(caught.value)
    assert "exited with 7" in str(caught.value)
    assert str(caught.value).endswith("\nno space left")
    assert "line 20\n" not in str(caught.value)


def test_build_without_digest(order: BuildOrder) -> None:
    """A command that ends well and prints no digest has built nothing that can be deployed."""
    with pytest.raises(BuildFailed, match=r"gave no digest\. Let it push and print"):
        CommandBuilder(("echo", "Successfully tagged web:latest sha256:123")).build(order)


def test_build_that_never_ends(order: BuildOrder, tmp_path: Path) -> None:
    """A build that takes too long is ended with everything that it started."""
    alive = tmp_path / "alive"
    line = f"echo begun; (while true; do touch {alive}; sleep 0.05; done) & wait"
    with pytest.raises(BuildFailed, match=r"more than 0\.5 s\.\nbegun"):
        CommandBuilder(line, timeout_s=0.5).build(order)
    alive.unlink(missing_ok=True)
    time.sleep(0.3)
    assert not alive.exists()


def test_missing_program() -> None:
    """A program that is not installed is noticed before anything is built."""
    with pytest.raises(BuildFailed, match="no program frobnicate on PATH"):
        CommandBuilder(("frobnicate", "build")).ready()


def test_engine_that_is_down() -> None:
    """A check that fails says that the engine is down, in the engine's own words."""
    line = "echo Cannot connect to the daemon >&2; exit 1"
    with pytest.raises(BuildFailed, match=r"(?s)engine behind sh is down.*Cannot connect to the daemon"):
        CommandBuilder(("sh", "-c", "true"), check=("sh", "-c", line)).ready()


def test_tag_is_resolved(order: BuildOrder) -> None:
    """A tag becomes a digest before the rollout, by the commit when the tag names it."""
    asked: list[tuple[str, str, str]] = []

    def resolve(image: str, tag: str, commit: str) -> str:
        asked.append((image, tag, commit))
        return DIGEST

    assert PrebuiltImages("build-{commit}", "", resolve).build(order) == DIGEST
    assert asked == [("registry.test/web", f"build-{'c' * 40}", "c" * 40)]
    command = DigestCommand(("echo", "{image}:{tag}", DIGEST))
    assert PrebuiltImages("v1", "", command).build(order) == DIGEST


@pytest.mark.parametrize(("tag", "digest"), [("", ""), ("v1", DIGEST)])
def test_tag_or_digest(tag: str, digest: str) -> None:
    """One of the two, neither none nor both."""
    with pytest.raises(BuildFailed, match="a tag or a digest, and not both"):
        PrebuiltImages(tag, digest, ask_registry).ready()


def test_emulators_tags(tmp_path: Path, order: BuildOrder) -> None:
    """The emulator's registry resolves tags, and never leads out of its folder."""
    registry = SnapshotRegistry(tmp_path / "images")
    digest = registry.build(order)
    tags = tmp_path / "images/registry.test/web/tags"
    tags.mkdir()
    (tags / "v1").write_text(f"{digest}\n")
    assert registry.resolve("registry.test/web", "v1") == digest
    for tag in ("v2", "../../../../outside"):
        with pytest.raises(BuildFailed, match="no such image"):
            registry.resolve("registry.test/web", tag)


class Hub:
    """A registry that hands a token to anybody, or to nobody."""

    def __init__(self, status: int = 200, *, token: str = "") -> None:
        self._status = status
        self._token = token

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer as registries do."""
        if request.url.path == "/token":
            return httpx.Response(200, json={"token": self._token} if self._token else {})
        wanted = request.headers.get("Authorization")
        if self._status == httpx.codes.UNAUTHORIZED and (wanted != f"Bearer {self._token}" or not self._token):
            challenge = 'Bearer realm="https://registry.test/token",service="s",scope="repository:web:pull"'
            return httpx.Response(401, headers={"WWW-Authenticate": challenge})
        status = 200 if self._status == httpx.codes.UNAUTHORIZED else self._status
        return httpx.Response(status, headers={"Docker-Content-Digest": DIGEST})


def ask(hub: Hub) -> str:
    """Ask for a tag."""
    return ask_registry("registry.test/team/web", "v1", transport=httpx.MockTransport(hub))


def test_registry_knows_the_digest() -> None:
    """A registry tells the digest of a tag, after it has handed out a token if it wants one."""
    assert ask(Hub()) == DIGEST
    assert ask(Hub(401, token="t")) == DIGEST


@pytest.mark.parametrize(
    ("hub", "error", "words"),
    [
        (Hub(404), BuildFailed, "has no such image"),
        (Hub(401), BuildFailed, "wants credentials. Set services.NAME.builder.digest_command"),
        (Hub(403), BuildFailed, "wants credentials"),
        (Hub(503), CloudUnavailable, "answered 503"),
    ],
)
def test_registry_that_says_no(hub: Hub, error: type[Exception], words: str) -> None:
    """Each refusal says what to do; a fault of the registry may pass."""
    with pytest.raises(error, match=words):
        ask(hub)
