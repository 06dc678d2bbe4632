"""What is read from source: variables of the environment, frames, and how siblings do it."""

from __future__ import annotations

import pytest

from tests.unit.triage_world import World
from untilgreen.model.evidence import Raised
from untilgreen.model.suite import Frame
from untilgreen.triage.deviance import deviance
from untilgreen.triage.env import reads
from untilgreen.triage.frames import Spot, spot_of
from untilgreen.triage.scene import Scene


def scene(**files: str) -> Scene:
    """Return the scene of one service `s` with these Python files."""
    world = World()
    world.service("s", {f"{name}.py": text for name, text in files.items()})
    return Scene(world.bundle())


def spot(of: Scene, path: str, words: str) -> Spot:
    """Return the first line of a file that holds these words."""
    lines = of.lines(path)
    number = next(n for n, line in enumerate(lines, start=1) if words in line)
    return Spot(path, number, "f", lines[number - 1].strip())


@pytest.mark.parametrize(
    "source",
    [
        'import os\nx = os.environ["NAME"]',
        'import os\nx = os.environ.get("NAME")',
        'import os\nx = os.getenv("NAME")',
        'from os import environ\nx = environ["NAME"]',
        'from os import getenv\nx = getenv("NAME")',
        'import os\nKEY = "NAME"\nx = os.environ[KEY]',
        "class Settings(BaseSettings):\n    name: str",
    ],
)
def test_every_usual_way_to_read_a_variable_is_seen(source: str) -> None:
    """The name is found, and that it is needed."""
    assert reads(scene(app=source), "s")["NAME"].optional is False


def test_a_default_makes_it_optional() -> None:
    """What has a default in the source may be absent."""
    assert reads(scene(app='import os\nx = os.getenv("NAME", "")'), "s")["NAME"].optional


def test_a_wrapper_that_most_use_is_the_custom() -> None:
    """A function of the product that does the call for its callers is canonical when it is used more."""
    found = scene(
        wire="import json\ndef pack(x):\n    return json.dumps(x, default=str)\n",
        a="from wire import pack\ndef one(x):\n    return Response(text=pack(x))\ndef two(x):\n    return pack(x)\n",
        b="import json\ndef three(x):\n    body = {'text': json.dumps(x)}\n    return body\n",
    )
    result = deviance(found, "s", spot(found, "apps/s/b.py", "json.dumps"))
    assert result is not None
    assert (result.canonical, result.custom, result.total) == ("pack", 2, 3)


def test_a_keyword_that_most_pass_is_the_custom() -> None:
    """A call without the keyword that its siblings have deviates."""
    found = scene(a="import rpc\ndef f():\n    rpc.ask(1, timeout=2)\n    rpc.ask(2, timeout=2)\n    rpc.ask(3)\n")
    result = deviance(found, "s", spot(found, "apps/s/a.py", "ask(3)"))
    assert result is not None
    assert result.canonical == "rpc.ask(timeout=...)"


def test_the_canonical_function_does_not_deviate_from_itself() -> None:
    """The wrapper's own body has to make the bare call."""
    found = scene(
        wire="import json\ndef pack(x):\n    return json.dumps(x)\n",
        a="from wire import pack\ndef one(ws, x):\n    ws.put(pack(x))\n    ws.put(pack(1 + x))\n    ws.put(pack(x))\n",
    )
    assert deviance(found, "s", spot(found, "apps/s/wire.py", "json.dumps")) is None


def test_without_siblings_there_is_no_custom() -> None:
    """One call alone deviates from nothing."""
    found = scene(a="import json\ndef f(x):\n    return json.dumps(x)\n")
    assert deviance(found, "s", spot(found, "apps/s/a.py", "json.dumps")) is None


def test_equal_numbers_make_no_custom() -> None:
    """Two ways that are used equally often are two opinions."""
    found = scene(a="def f(ws, x):\n    ws.put(p(x))\n    ws.put(p(x))\n    ws.put(q(x))\n    ws.put(q(x))\n")
    assert deviance(found, "s", spot(found, "apps/s/a.py", "q(x)")) is None


def frames(*places: tuple[str, int, str]) -> tuple[Frame, ...]:
    """Return frames of path, line and source."""
    return Raised(
        exception="E", message="", frames=tuple(Frame(path=p, line=n, function="f", source=s) for p, n, s in places)
    ).frames


def test_a_library_of_the_same_name_is_not_the_product() -> None:
    """The quoted line decides between a file of the service and a library's file of that name."""
    found = scene(encoder="def mine():\n    return theirs()\n")
    library = ("/usr/lib/python3.11/json/encoder.py", 2, "raise TypeError(x)")
    assert spot_of(found, "s", frames(("/srv/encoder.py", 2, "return theirs()"), library)) == Spot(
        "apps/s/encoder.py", 2, "mine", "return theirs()"
    )


def test_a_traceback_of_other_code_names_no_line() -> None:
    """When the quoted line is not in the tested commit, nothing is blamed."""
    found = scene(app="x = 1\n")
    assert spot_of(found, "s", frames(("/srv/app.py", 1, "x = 2"))) is None
