"""The suites that are measured, and the service that one of them talks to."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

from aiohttp import web

CONFTEST = """
import os, httpx, pytest

@pytest.fixture(scope="session")
def api():
    with httpx.Client(base_url=os.environ["URL"]) as client:
        yield client
"""

ANSWERS = """
import pytest

@pytest.mark.parametrize("n", range({count}))
def test_answer(api, n):
    answer = api.get(f"/items/{{n}}")
    assert answer.status_code == 200
    assert answer.json() == {{"item": n}}
"""

TRIVIAL = """
import pytest

@pytest.mark.parametrize("n", range({count}))
def test_trivial(n):
    assert n >= 0
"""


def answering(folder: Path, count: int) -> Path:
    """Write a suite of tests that each ask the service once; return its checkout."""
    return _written(folder / f"answers-{count}", {"conftest.py": CONFTEST, "test_it.py": ANSWERS.format(count=count)})


def trivial(folder: Path, count: int) -> Path:
    """Write a suite of tests that do next to nothing; return its checkout."""
    return _written(folder / f"trivial-{count}", {"test_it.py": TRIVIAL.format(count=count)})


def _written(checkout: Path, files: dict[str, str]) -> Path:
    (checkout / "e2e").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (checkout / "e2e" / name).write_text(text)
    return checkout


@contextlib.contextmanager
def service(answer_s: float) -> Iterator[str]:
    """Run a service in a process of its own and give its URL.

    Args:
        answer_s: how long each answer takes.
    """
    address: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=_serve, args=(address, answer_s), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{address.get()}"
    finally:
        server.terminate()
        server.join()


def _serve(address: multiprocessing.Queue[int], answer_s: float) -> None:
    async def item(request: web.Request) -> web.Response:
        await asyncio.sleep(answer_s)
        return web.json_response({"item": int(request.match_info["n"])})

    async def forever() -> None:
        app = web.Application()
        app.router.add_get("/items/{n}", item)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address.put(site._server.sockets[0].getsockname()[1])  # noqa: SLF001 - aiohttp tells its port nowhere else
        await asyncio.Event().wait()

    asyncio.run(forever())
