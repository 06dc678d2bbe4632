"""Patches a library when the tests import it; the witness itself imports none."""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Callable
from typing import Any

from .asserts import patch_unittest
from .async_clients import patch_aiohttp, patch_old_websockets, patch_websockets
from .grpc_clients import patch_grpc, patch_grpc_aio
from .http_clients import patch_http_client, patch_httpcore, patch_httpx, patch_requests, patch_urllib3
from .mocks import patch_mock, patch_test_client
from .pycurl_client import patch_pycurl
from .websocket_client import patch_websocket_client

PATCHES: dict[str, Callable[[Any], None]] = {
    "aiohttp": patch_aiohttp,
    "django.test.client": patch_test_client,
    "grpc._channel": patch_grpc,
    "grpc.aio._channel": patch_grpc_aio,
    "http.client": patch_http_client,
    "httpcore": patch_httpcore,
    "httpx": patch_httpx,
    "pycurl": patch_pycurl,
    "requests": patch_requests,
    "starlette.testclient": patch_test_client,
    "unittest.case": patch_unittest,
    "unittest.mock": patch_mock,
    "urllib3.connectionpool": patch_urllib3,
    "websocket._core": patch_websocket_client,
    "websockets.client": patch_websockets,
    "websockets.legacy.client": patch_old_websockets,
    "werkzeug.test": patch_test_client,
}


class PatchLoader(importlib.abc.Loader):
    """Loads a module as its own loader does, then patches it."""

    def __init__(self, inner: Any, patch: Callable[[Any], None]) -> None:
        self._inner, self._patch = inner, patch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def create_module(self, spec: Any) -> Any:
        """Leave it to the module's own loader."""
        return self._inner.create_module(spec)

    def exec_module(self, module: Any) -> None:
        """Run the module, step aside, patch."""
        module.__spec__.loader = module.__loader__ = self._inner
        self._inner.exec_module(module)
        self._patch(module)


class PatchFinder(importlib.abc.MetaPathFinder):
    """Finds the modules in PATCHES through the other finders."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return a spec only for what is to be patched."""
        if name not in PATCHES:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = PatchLoader(spec.loader, PATCHES[name])
                return spec
        return None


def patch_clients() -> None:
    """Patch what is imported already, and the rest when it is."""
    for name, patch in PATCHES.items():
        if name in sys.modules:
            patch(sys.modules[name])
    sys.meta_path.insert(0, PatchFinder())
