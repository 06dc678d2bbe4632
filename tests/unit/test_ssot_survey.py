"""Where the code does not do what the registry declares, however it spells it."""

from __future__ import annotations

import pytest

from untilgreen.settings import parse
from untilgreen.ssot.deviation import Survey
from untilgreen.ssot.modules import Code
from untilgreen.ssot.registry import declared
from untilgreen.ssot.survey import survey

SETTINGS = """
services: {web: {source: web, image: r/web}}
ssot:
  canonical:
    web/wire.py:safe:
      replaces: [json.dumps, web/old.py:to_text]
      sinks: [send_json]
      allowed: [tools/*]
  banned: {pickle: use JSON, eval: ""}
  constants: {LIMIT: web/limits.py, TOPIC: web/limits.py}
  env: {AUTH_URL: web/settings.py}
"""
WIRE = "import json\n\n\ndef safe(value):\n    return json.dumps(value, default=str)\n"
OLD = "def to_text(value):\n    return str(value)\n"
LIMITS = 'LIMIT = 512\nTOPIC = "agents-status"\n'
ENV = 'import os\n\nAUTH_URL = os.environ["AUTH_URL"]\n'
BASE = {"web/wire.py": WIRE, "web/old.py": OLD, "web/limits.py": LIMITS, "web/settings.py": ENV}


def found(files: dict[str, str]) -> Survey:
    """Hold some files, beside the homes of everything, against the registry."""
    return survey(declared(parse(SETTINGS), {}).registry, Code({**BASE, **files}))


def told(text: str, path: str = "web/ws.py") -> list[tuple[str, str, int, bool]]:
    """Return what one file does: sort, entry, line, and whether it is sure."""
    seen = found({path: text}).deviations
    return [(d.sort, d.entry, d.line, d.sure) for d in seen if d.path == path]


SAFE = {
    "at once": "from wire import safe\n\ndef go(ws, m):\n    ws.send_json(safe(m))\n",
    "an alias": "from wire import safe as s\n\ndef go(ws, m):\n    ws.send_json(s(m))\n",
    "the module": "import wire\n\ndef go(ws, m):\n    ws.send_json(wire.safe(m))\n",
    "a local name": "from wire import safe\n\ndef go(ws, m):\n    text = safe(m)\n    ws.send_json(text)\n",
    "overwritten": "from wire import safe\n\ndef go(ws, m):\n    m = m.payload\n    m = safe(m)\n    ws.send_json(m)\n",
    "both branches": "from wire import safe\n\ndef go(ws, m):\n    if m:\n        t = safe(m)\n    else:\n"
    "        t = ''\n"
    "    ws.send_json(t)\n",
    "a conditional": "from wire import safe\n\ndef go(ws, m):\n    ws.send_json(safe(m) if m else 'none')\n",
    "a method of the result": "from wire import safe\n\ndef go(ws, m):\n    ws.send_json(safe(m).encode('utf-8'))\n",
    "an end": "from wire import safe\n\ndef go(ws, m):\n    ws.send_json(safe(m) + '\\n')\n",
    "a wrapper": "from wire import safe\n\ndef pack(m):\n    return safe({'m': m})\n\ndef go(ws, m):\n"
    "    ws.send_json(pack(m))\n",
    "handed on": "from wire import safe\n\ndef same(m):\n    return m\n\ndef go(ws, m):\n"
    "    ws.send_json(same(safe(m)))\n",
    "a sink's wrapper": "from wire import safe\n\ndef tell(ws, m):\n    ws.send_json(m)\n\ndef go(ws, m):\n"
    "    tell(ws, safe(m))\n",
    "a method as wrapper": "from wire import safe\n\nclass Talk:\n    def tell(self, m):\n"
    "        self.ws.send_json(m)\n\n"
    "    def go(self, m):\n        self.tell(safe(m))\n",
    "awaited": "from wire import safe\n\nasync def go(ws, m):\n    await ws.send_json(safe(m))\n",
    "each of many": "from wire import safe\n\ndef go(ws, ms):\n    for t in [safe(m) for m in ms]:\n"
    "        ws.send_json(t)\n",
    "mapped": "from wire import safe\n\ndef go(ws, ms):\n    for t in map(safe, ms):\n        ws.send_json(t)\n",
    "a literal": "def go(ws):\n    ws.send_json({'type': 'ping', 'n': 1})\n",
    "a constant": "PING = 'ping'\n\ndef go(ws):\n    ws.send_json(PING)\n",
    "getattr": "import wire\n\ndef go(ws, m):\n    ws.send_json(getattr(wire, 'safe')(m))\n",
    "an attribute": "from wire import safe\n\nclass Talk:\n    def __init__(self, m):\n"
    "        self.text = safe(m)\n\n"
    "    def go(self, ws):\n        ws.send_json(self.text)\n",
    "walrus": "from wire import safe\n\ndef go(ws, m):\n    if text := safe(m):\n        ws.send_json(text)\n",
}
"""Code that sends only what comes from `safe`."""

RAW = {
    "at once": "def go(ws, m):\n    ws.send_json({'m': m})\n",
    "a local name": "def go(ws, m):\n    text = {'m': m}\n    ws.send_json(text)\n",
    "another function": "from orders import plain\n\ndef go(ws, m):\n    ws.send_json(plain(m))\n",
    "one branch": "from wire import safe\n\ndef go(ws, m):\n    t = safe(m)\n    if m.raw:\n"
    "        t = dict(m)\n    ws.send_json(t)\n",
    "in a loop": "from wire import safe\n\ndef go(ws, ms):\n    t = safe(ms)\n    for m in ms:\n"
    "        ws.send_json(t)\n        t = vars(m)\n",
    "a wrapper of something else": "def pack(m):\n    return vars(m)\n\ndef go(ws, m):\n    ws.send_json(pack(m))\n",
    "a sink's wrapper": "def tell(ws, m):\n    ws.send_json(m)\n\ndef go(ws, m):\n    tell(ws, vars(m))\n",
    "a method as wrapper": "class Talk:\n    def tell(self, m):\n        self.ws.send_json(m)\n\n"
    "    def go(self, m):\n        self.tell({'m': m})\n",
    "a keyword": "def go(ws, m):\n    ws.send_json(data=vars(m))\n",
    "getattr": "def go(ws, m):\n    getattr(ws, 'send_json')(vars(m))\n",
    "a local alias": "def go(ws, m):\n    send = ws.send_json\n    send(vars(m))\n",
    "an f-string": "def go(ws, m):\n    ws.send_json(f'{vars(m)}')\n",
    "a lookalike": "def safe(m):\n    return vars(m)\n\ndef go(ws, m):\n    ws.send_json(safe(m))\n",
    "handed on": "def same(m):\n    return m\n\ndef go(ws, m):\n    ws.send_json(same(vars(m)))\n",
    "a lambda": "def go(ws, m):\n    ws.send_json((lambda v: vars(v))(m))\n",
}
"""Code that sends something else."""


@pytest.mark.parametrize("case", SAFE)
def test_from_the_canonical(case: str) -> None:
    """An argument that comes from the canonical function, by whatever way, is no deviation."""
    assert told(SAFE[case]) == []


@pytest.mark.parametrize("case", RAW)
def test_past_the_canonical(case: str) -> None:
    """An argument that comes from anything else is one, at the line of the sink or of its wrapper's caller."""
    assert [(sort, entry, sure) for sort, entry, _, sure in told(RAW[case])] == [("sink", "web/wire.py:safe", True)]


def test_unknown_origins() -> None:
    """What the source does not show is said, and not called sure."""
    assert told("def go(ws, m):\n    ws.send_json(m.payload)\n") == [("sink", "web/wire.py:safe", 2, False)]
    (seen,) = found({"web/ws.py": "def on_message(ws, m):\n    ws.send_json(m)\n"}).deviations
    assert (seen.line, seen.sure) == (2, False)
    assert "nobody here is seen calling on_message" in seen.message


PRIMITIVES = {
    "a call": ("import json\n\ndef go(m):\n    return json.dumps(m)\n", 4),
    "from": ("from json import dumps\n\ndef go(m):\n    return dumps(m)\n", 4),
    "as": ("from json import dumps as d\n\ndef go(m):\n    return d(m)\n", 4),
    "the module as": ("import json as j\n\ndef go(m):\n    return j.dumps(m)\n", 4),
    "getattr": ("import json\n\ndef go(m):\n    return getattr(json, 'dumps')(m)\n", 4),
    "a name for getattr": ("import json\n\nNAME = 'dumps'\n\ndef go(m):\n    return getattr(json, NAME)(m)\n", 6),
    "a callback": ("import json\n\ndef go(ms):\n    return map(json.dumps, ms)\n", 4),
    "import_module": ("import importlib\n\ndef go(m):\n    return importlib.import_module('json').dumps(m)\n", 4),
    "dunder import": ("def go(m):\n    return __import__('json').dumps(m)\n", 2),
    "a star": ("from json import *\n\ndef go(m):\n    return dumps(m)\n", 4),
    "another primitive": ("import old\n\ndef go(m):\n    return old.to_text(m)\n", 4),
    "a default": ("import json\n\ndef go(m, how=json.dumps):\n    return how(m)\n", 3),
    "a decorator": ("import json\n\n@json.dumps\ndef go(m):\n    return m\n", 3),
    "in a function": ("def go(m):\n    import json\n    return json.dumps(m)\n", 3),
    "nested": ("import json\n\ndef go(m):\n    return len(str([json.dumps(m)]))\n", 4),
}


@pytest.mark.parametrize("case", PRIMITIVES)
def test_primitives(case: str) -> None:
    """A primitive is found under every name, and whether it is called or handed on."""
    text, line = PRIMITIVES[case]
    assert told(text) == [("banned", "web/wire.py:safe", line, True)]


def test_aliases() -> None:
    """The line that makes an alias counts, and every use of it, in other files too."""
    alias = "import json\n\nto_json = json.dumps\n"
    assert told(alias + "\ndef go(m):\n    return to_json(m)\n") == [
        ("banned", "web/wire.py:safe", 3, True),
        ("banned", "web/wire.py:safe", 6, True),
    ]
    seen = found({"web/short.py": alias, "web/ws.py": "from short import to_json as t\n\nT = t(1)\n"}).deviations
    assert [d.where for d in seen] == ["web/short.py:3", "web/ws.py:3"]
    partial = (
        "import json\nfrom functools import partial\n\nclass W:\n    d = partial(json.dumps)\n\n    def go(self, m):\n"
    )
    assert ("banned", "web/wire.py:safe", 8, True) in told(partial + "        return self.d(m)\n")


def test_what_is_free() -> None:
    """A name that only looks like a primitive, the canonical's own file and an allowed path are no deviations."""
    assert told("class J:\n    def dumps(self, m):\n        return m\n\njson = J()\nX = json.dumps(1)\n") == []
    assert told("from mine import json\n\nX = json.dumps(1)\n") == []
    assert told("import json\n\nX = json.dumps(1)\n", "tools/dump.py") == []
    assert told("import json\n\nX = json.loads('1')\n") == []
    assert found({}).deviations == ()


def test_banned_for_all() -> None:
    """A primitive without a canonical function is banned everywhere; a module's name bans all that it has."""
    assert told("import pickle\n\nX = pickle.loads(b'')\nY = eval('1')\n") == [
        ("banned", "eval", 4, True),
        ("banned", "pickle", 3, True),
    ]
    assert told("class A:\n    def eval(self):\n        return self.eval()\n") == []


def test_constants() -> None:
    """A constant that is defined again is sure, a telling value that is written again is not; importing is right."""
    assert told("LIMIT = 3\n") == [("constant", "LIMIT", 1, True)]
    assert told("class A:\n    LIMIT = 3\n") == [("constant", "LIMIT", 2, True)]
    assert told("def go():\n    LIMIT = 3\n    return LIMIT\n") == [("constant", "LIMIT", 2, True)]
    assert told("def go(x):\n    return x < 512\n") == [("constant", "LIMIT", 2, False)]
    assert told("def go(bus):\n    bus.join('agents-status')\n") == [("constant", "TOPIC", 2, False)]
    assert told("from limits import LIMIT\n\nX = LIMIT\n") == []
    assert told("import limits\n\nLIMIT = limits.LIMIT\n") == []


READERS = {
    "an index": "import os\n\nX = os.environ['AUTH_URL']\n",
    "get": "import os\n\nX = os.environ.get('AUTH_URL', '')\n",
    "getenv": "import os as o\n\nX = o.getenv('AUTH_URL')\n",
    "from": "from os import getenv as g\n\nX = g('AUTH_URL')\n",
    "environ as": "from os import environ as e\n\nX = e['AUTH_URL']\n",
    "a name": "import os\n\nKEY = 'AUTH_URL'\nX = os.environ[KEY]\n",
    "getattr": "import os\n\nX = getattr(os, 'environ')['AUTH_URL']\n",
    "a reader": "import os\n\ndef env(name):\n    return os.environ[name]\n\nX = env('AUTH_URL')\n",
    "settings": "from pydantic_settings import BaseSettings\n\nclass S(BaseSettings):\n    auth_url: str\n",
}


@pytest.mark.parametrize("case", READERS)
def test_env(case: str) -> None:
    """A variable that is read outside of its home is found, however it is read."""
    assert [(sort, entry, sure) for sort, entry, _, sure in told(READERS[case])] == [("env", "AUTH_URL", True)]


def test_packages() -> None:
    """Imports are followed through packages, relative ones, re-exports and a src folder."""
    tree = {
        "web/wire.py": "",
        "src/shop/__init__.py": "from .plain.core import *\n",
        "src/shop/plain/__init__.py": "from .core import safe as careful\n",
        "src/shop/plain/core.py": WIRE,
        "src/shop/api/ws.py": "from ..plain import careful\nfrom .. import safe\n"
        "from shop.plain import careful as c\n\n"
        "def go(ws, m):\n    ws.send_json(careful(m))\n    ws.send_json(safe(m))\n    ws.send_json(c(m))\n",
        "src/shop/api/__init__.py": "",
    }
    text = SETTINGS.replace("web/wire.py:safe", "src/shop/plain/core.py:safe")
    seen = survey(declared(parse(text), {}).registry, Code({**BASE, **tree}))
    assert [d.where for d in seen.deviations] == []
    assert seen.conforming["sink", "src/shop/plain/core.py:safe"] == 3


def test_deployed_apart() -> None:
    """A canonical function is for the files that can import it: not for those of another build context."""
    text = "import json\n\nX = json.dumps(1)\n"
    registry, code = declared(parse(SETTINGS), {}).registry, Code({**BASE, "auth/main.py": text, "lib/a.py": text})
    assert [d.where for d in survey(registry, code, ("web", "auth")).deviations] == ["lib/a.py:3"]
    assert len(survey(registry, code).deviations) == 2
