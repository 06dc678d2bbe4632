"""A caller that passes no trace on, and whose exception names the URL that failed."""

from __future__ import annotations

from tests.unit.triage_world import World, types

STORE = {"app.py": "def book(found):\n    return found['author'].upper()\n"}
FRONT = {"main.py": "def offer(answer):\n    answer.raise_for_status()\n"}
PLACE = ("main.py", 2, "offer")
AUTHOR = ("app.py", 2, "book")


def told(*, url: str = "/books/9", status: int = 500) -> World:
    """Let front fail by what store answered; store's row and traceback carry no trace of a test."""
    world = World()
    world.service("store", STORE)
    world.service("front", FRONT, env={"STORE": world.urls["store"]})
    for number in range(3):
        world.test(f"offer{number}", "front", "/shop/9", 500)
        named = f"Server error '500 Internal Server Error' for url '{world.urls['store']}{url}'"
        world.raises("front", "httpx.HTTPStatusError", named, PLACE)
        world.row("of nobody", "store", "/books/9", status)
        world.raises("store", "AttributeError", "'NoneType' object has no attribute 'upper'", AUTHOR)
    return world


def test_an_exception_leads_to_the_answer_whose_url_it_names() -> None:
    """The cause lies in the service that answered with an error, not where its caller noticed."""
    _, analysis = told().analysis()
    assert "apps/store/app.py" in str(analysis.whys[-1].claim)
    assert types(analysis).count("error_raised") == 2
    assert not any("same trace" in why.answer for why in analysis.whys)


def test_an_answer_that_was_none_of_the_named_leads_nowhere() -> None:
    """Neither another path nor a good answer of the same service is what the exception told of."""
    for world in (told(url="/books/10"), told(status=200)):
        _, analysis = world.analysis()
        assert "store" not in str(analysis.whys[-1].claim)
