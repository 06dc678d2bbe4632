"""Sees patches of clients and sockets that are active while a test runs."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from .sight import ACTIVE_MOCKS, PRESENT, Present, harmless, patch_now

MOCKED = {
    "aiohttp",
    "grpc",
    "http",
    "httpcore",
    "httpx",
    "pycurl",
    "requests",
    "socket",
    "ssl",
    "urllib",
    "urllib3",
    "websocket",
    "websockets",
}


def mock_name(target: Any, attribute: str, original: Any) -> str:
    """Return what is patched, or nothing when it is no client and no socket."""
    owner = target if isinstance(target, (ModuleType, type)) else type(target)
    named = getattr(owner, "__module__", None) or getattr(owner, "__name__", "")
    if isinstance(owner, ModuleType):
        named = owner.__name__
    origin = getattr(original, "__module__", None) or (original.__name__ if isinstance(original, ModuleType) else "")
    if not {str(named).partition(".")[0], str(origin).partition(".")[0]} & MOCKED:
        return ""
    return f"{getattr(owner, '__qualname__', None) or named}.{attribute}"


@harmless
def mock_started(key: Any, target: Any, attribute: str, original: Any) -> None:
    """Remember a patch that is active from now on."""
    name = mock_name(target, attribute, original)
    if name:
        ACTIVE_MOCKS[key] = name
        if PRESENT.sight is not None:
            PRESENT.sight.mocks.add(name)


def patch_mock(module: Any) -> None:
    """See unittest.mock.patch in all its forms: they share one class."""

    def enter(call: Any) -> Any:
        def start(self: Any) -> Any:
            result = call(self)
            mock_started(id(self), self.target, self.attribute, self.temp_original)
            return result

        return start

    def leave(call: Any) -> Any:
        def stop(self: Any, *args: Any) -> Any:
            ACTIVE_MOCKS.pop(id(self), None)
            return call(self, *args)

        return stop

    patched = module._patch  # noqa: SLF001 - the class that every form of patch is made of
    patch_now(patched, "__enter__", enter)
    patch_now(patched, "__exit__", leave)


def patch_test_client(module: Any) -> None:
    """See clients that call an application in this process: no network is between them, whatever URL they name."""

    def request(call: Any) -> Any:
        def answered_here(self: Any, *args: Any, **kwargs: Any) -> Any:
            if PRESENT.sight is not None:
                owner = type(self)
                PRESENT.sight.mocks.add(f"{owner.__module__}.{owner.__qualname__}")
            return call(self, *args, **kwargs)

        return answered_here

    for owner in ("Client", "TestClient", "AsyncClient"):
        for method in ("open", "request"):
            if method in vars(getattr(module, owner, None) or Present):
                patch_now(getattr(module, owner), method, request)


def patch_monkeypatch() -> None:
    """See pytest's monkeypatch."""

    def setattr_(call: Any) -> Any:
        def replace(self: Any, *args: Any, **kwargs: Any) -> None:
            call(self, *args, **kwargs)
            if self._setattr:
                mock_started((id(self), len(self._setattr)), *self._setattr[-1])

        return replace

    def undo(call: Any) -> Any:
        def restore(self: Any) -> None:
            for key in [key for key in ACTIVE_MOCKS if isinstance(key, tuple) and key[0] == id(self)]:
                del ACTIVE_MOCKS[key]
            call(self)

        return restore

    patch_now(pytest.MonkeyPatch, "setattr", setattr_)
    patch_now(pytest.MonkeyPatch, "undo", undo)
