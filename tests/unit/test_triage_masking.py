"""What is hidden, what never is, and how paths become templates."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.triage.masking import mask, path_template
from untilgreen.triage.routes import Paths, Routes, literals, route_of

IDS = st.one_of(
    st.uuids().map(str),
    st.integers(10**9, 10**12).map(lambda n: f"a{n:x}b1"),
)


@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(text: str) -> None:
    """What is masked stays as it is."""
    assert mask(mask(text)) == mask(text)


@given(
    st.lists(
        st.sampled_from(
            [
                "status 503",
                "assert 404 == 200",
                "/api/x/17/y",
                "http://h:80/a/9",
                "a@b.io",
                "10.0.0.1:80",
                "17",
                "code 1011",
                "2026-01-02T03:04:05Z",
                "eyJa.b.c",
                str(uuid.UUID(int=7)),
                "<n1>",
                "0xff",
                "3.5ms",
                "deadbeef1",
            ]
        )
    ).map(" ".join)
)
def test_masking_twice_is_masking_once_for_what_logs_hold(text: str) -> None:
    """Idempotence holds for the forms that really occur."""
    assert mask(mask(text)) == mask(text)


@given(st.uuids(), st.uuids())
def test_ids_do_not_split_a_message(one: uuid.UUID, two: uuid.UUID) -> None:
    """Messages that differ by an id only are equal once masked."""
    assert mask(f"order {one} of {one} not found") == mask(f"order {two} of {two} not found")


def test_equal_values_stay_equal() -> None:
    """A value has one name wherever it stands, and another value another name."""
    assert mask("7 is 7 and not 8") == "<n1> is <n1> and not <n2>"


@pytest.mark.parametrize(
    "text",
    [
        "status 503",
        "HTTP/1.1 404 Not Found",
        "assert 403 == 200",
        "closed with code 1011",
        "<Response [500]>",
        "status_code=401",
        "auth refused this service with 403: no",
        "received 1011 (internal error); then sent 1011 (internal error)",
        "HTTP 502",
        "grpc-status: 14",
    ],
)
def test_codes_are_never_hidden(text: str) -> None:
    """A status or a close code tells two faults apart."""
    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("at 2026-03-04T09:00:00.123Z", "at <time1>"),
        ("from 10.1.2.3:4567", "from <address1>"),
        ("mail to ann@shop.example", "mail to <email1>"),
        ("token eyJhbGciOi.eyJzdWIi.c2ln", "token <jwt1>"),
        ("after 250ms", "after <n1>ms"),
        ("GET http://127.0.0.1:9000/carts/17/items?x=1", "GET <host1>/carts/{}/items"),
        ("no row for /carts/17/items", "no row for /carts/{}/items"),
        ("sha 0f3c9a2b7d1e", "sha <id1>"),
    ],
)
def test_what_varies_is_hidden(text: str, masked: str) -> None:
    """Times, addresses, people, tokens, numbers, hosts and ids get names; the static path stays."""
    assert mask(text) == masked


@given(IDS, IDS)
def test_a_path_keeps_its_template_whatever_the_id(one: str, two: str) -> None:
    """Requests of one route have one template."""
    assert path_template(f"/v1/carts/{one}/items") == path_template(f"/v1/carts/{two}/items") == "/v1/carts/{}/items"


@given(st.lists(st.sampled_from(["api", "v2", "carts", "17", "{}", "a-1"]), max_size=5))
def test_a_template_of_a_template_is_itself(parts: list[str]) -> None:
    """Templating twice is templating once."""
    path = "/" + "/".join(parts)
    assert path_template(path_template(path)) == path_template(path)


def test_a_place_with_many_values_varies() -> None:
    """A segment without digits is a value when its place holds many of them and no source knows them."""
    names = ("ann", "bob", "cleo", "dan", "eve", "fay", "gus", "hal", "ida")
    paths = Paths([f"/users/{name}" for name in names], [("users",)])
    assert paths.template("/users/ann") == "/users/{}"


def test_a_name_that_the_source_knows_is_no_value() -> None:
    """Siblings that the source spells out stay apart, however many there are."""
    names = [f"part{chr(97 + n)}" for n in range(20)]
    paths = Paths([f"/api/{name}" for name in names], [("api", name) for name in names])
    assert {paths.template(f"/api/{name}") for name in names} == {f"/api/{name}" for name in names}


@pytest.mark.parametrize("literal", ["/carts/{id}", "/carts/{id:int}", "/carts/<int:id>", "/carts/:id"])
def test_parameters_of_any_framework_are_parameters(literal: str) -> None:
    """Route syntaxes differ, their meaning does not."""
    assert route_of(literal) == ("carts", "{}")


def test_a_route_behind_a_prefix_serves() -> None:
    """Routers are mounted: the path is a prefix and a route."""
    known = Routes(literals('APIRouter(prefix="/api/carts")\n@router.get("/{id}/items")'))
    assert known.serving("/api/carts/{}/items")
    assert not known.serving("/api/carts/{}/price")


def test_a_value_is_known_by_the_route_it_fits() -> None:
    """Where the source has a parameter, any word is a value, however few there are."""
    paths = Paths(["/carts/ann/items"], [("carts", "{}", "items")])
    assert paths.template("/carts/ann/items") == "/carts/{}/items"
