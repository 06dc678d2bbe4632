"""What init writes: always usable, never a value that may be a secret, its guesses marked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.errors import ConfigError
from untilgreen.init.bind import bind, meant
from untilgreen.init.deployed import with_deployed
from untilgreen.init.draft import Target, draft, draft_seed, guesses
from untilgreen.init.step import begin
from untilgreen.init.survey import ServiceSeen, SuiteSeen, Survey, survey
from untilgreen.model.delivery import SecretBinding, ServiceState, Template
from untilgreen.settings import parse

AUTH = ServiceSeen(name="auth", source="auth", reads=("JWT_KEY",), demands=("JWT_KEY",))
SHOP = ServiceSeen(
    name="shop",
    source="shop",
    reads=("AUTH_URL", "DB_NAME", "JWT_KEY", "LOG_LEVEL"),
    demands=("AUTH_URL", "DB_NAME"),
)
SUITE = SuiteSeen(path="e2e", certain=True, functions=7, reads=("ADMIN_NAME", "BASE_URL", "SHOP_URL"))
SEEN = Survey(services=(AUTH, SHOP), suite=SUITE)


def test_variables_become_urls_secrets_or_questions() -> None:
    """An address names a service, a secret that somebody demands is bound, what nothing gives refuses the rollout."""
    wanted = parse(draft(SEEN, Target()))
    shop = wanted.services["shop"]
    assert shop.env == {"AUTH_URL": "{auth.url}"}
    assert shop.depends_on == ("auth",)
    assert shop.secrets == {"JWT_KEY": "jwt-key:1"}
    assert shop.needs == ("DB_NAME",)
    assert wanted.suite.env == {"BASE_URL": "{shop.url}", "SHOP_URL": "{shop.url}"}
    assert wanted.suite.minimum == 7


def test_guesses_are_marked_with_their_reason() -> None:
    """What a person must look at stands in a comment on its line, and only that."""
    text = draft(SEEN, Target())
    marked = {text.splitlines()[line - 1].split(":")[0].strip(): why for line, why in guesses(text)}
    assert "which service is meant" in marked["BASE_URL"]
    assert "SHOP_URL" not in marked
    assert "refused" in marked["needs"]


def test_the_emulator_gets_the_secrets_that_were_found() -> None:
    """The seed lists each secret once, with every account that reads it, and holds no value."""
    seed = draft_seed(SEEN)
    assert seed.count("jwt-key:") == 1
    assert "auth@emulator-moon" in seed
    assert "shop@emulator-moon" in seed
    assert "seed: untilgreen.seed.yaml" in draft(SEEN, Target())
    assert draft_seed(Survey(services=(ServiceSeen(name="web", source="."),), suite=None)) == ""


def test_services_that_call_one_another_do_not_go_round() -> None:
    """Of a circle one direction is bound; the other is left to a person."""
    left = ServiceSeen(name="left", source="l", reads=("RIGHT_URL",), demands=("RIGHT_URL",))
    right = ServiceSeen(name="right", source="r", reads=("LEFT_URL",), demands=("LEFT_URL",))
    bound = bind((left, right))
    assert bound["left"].depends_on == ("right",)
    assert bound["right"].needs == ("LEFT_URL",)


@pytest.mark.parametrize(
    ("name", "service"),
    [("AUTH_URL", "auth"), ("USER_API_URL", "user-api"), ("API_URL", ""), ("AUTH", ""), ("URL", ""), ("X_URL", "")],
)
def test_an_address_means_one_service_or_none(name: str, service: str) -> None:
    """A name that fits several services or none is nobody's."""
    services = tuple(ServiceSeen(name=one) for one in ("auth", "user-api", "order-api"))
    assert meant(name, services) == service


def test_what_is_deployed_goes_before_guesses_and_shows_no_value() -> None:
    """Image, account and secret references are taken over; of plain variables only the names are."""
    template = Template(
        service="shop",
        image="registry.example:5000/team/shop:v3@sha256:" + "0" * 64,
        port=9000,
        env={"AUTH_URL": "https://auth.test/", "API_KEY": "hunter2hunter2", "PORT": "1"},
        secrets=(SecretBinding(env="JWT_KEY", secret="jwt", version="7"),),
        account="shop@team.iam.gserviceaccount.com",
    )
    states = [_state("auth", "https://auth.test", None), _state("shop", "https://shop.test", template)]
    target = Target(project="team", region="europe-west1")
    text = draft(with_deployed(SEEN, tuple(states)), target)
    shop = parse(text).services["shop"]
    assert (shop.image, shop.port) == ("registry.example:5000/team/shop", 9000)
    assert shop.secrets["JWT_KEY"] == "jwt:7"
    assert shop.env == {"AUTH_URL": "{auth.url}"}
    assert "API_KEY" in text
    assert "hunter2" not in text


_WORD = st.text(max_size=20)
_ENV = st.lists(st.from_regex(r"[A-Z][A-Z0-9_]{0,12}(_URL|_KEY)?", fullmatch=True), max_size=4)
_FOLDER = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(folders=st.lists(_FOLDER, max_size=4), project=_WORD, names=_ENV, demanded=_ENV)
def test_whatever_a_project_looks_like_the_draft_can_be_used(
    folders: list[str], project: str, names: list[str], demanded: list[str]
) -> None:
    """Names of any characters, variables of any kind: the text is valid settings, and the same every time."""
    files = {f"{folder}/Procfile": "web: x" for folder in folders if folder not in (".", "..")}
    code = "".join(f'os.environ["{name}"]\n' for name in demanded) + "".join(f'getenv("{name}")\n' for name in names)
    files |= {path.replace("Procfile", "main.py"): code for path in list(files)}
    seen = survey({**files, "e2e/test_a.py": code}, project)
    if seen.services:
        text = draft(seen, Target())
        assert set(parse(text).services) == {service.name for service in seen.services}
        assert text == draft(survey({**files, "e2e/test_a.py": code}, project), Target())


def test_settings_are_not_written_over(tmp_path: Path) -> None:
    """A second init is refused and changes nothing, unless it is forced."""
    begin(tmp_path, Target())
    (tmp_path / "untilgreen.yaml").write_text("mine")
    with pytest.raises(ConfigError, match="--force"):
        begin(tmp_path, Target())
    assert (tmp_path / "untilgreen.yaml").read_text() == "mine"
    begin(tmp_path, Target(), force=True)
    assert parse((tmp_path / "untilgreen.yaml").read_text())


def test_an_editor_finds_the_schema(tmp_path: Path) -> None:
    """The first line names a schema that lies there, out of git's sight."""
    begin(tmp_path, Target())
    first = (tmp_path / "untilgreen.yaml").read_text().splitlines()[0]
    schema = json.loads((tmp_path / first.partition("$schema=")[2]).read_text())
    assert "services" in schema["properties"]
    assert (tmp_path / ".untilgreen" / ".gitignore").read_text() == "*\n"


def _state(service: str, url: str, template: Template | None) -> ServiceState:
    return ServiceState(
        service=service,
        url=url,
        etag="",
        generation=1,
        observed_generation=1,
        reconciling=False,
        ready=True,
        template=template,
    )
