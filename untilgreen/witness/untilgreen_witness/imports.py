"""Patches a library when the tests import it; the witness itself imports none."""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Callable
from typing import Any

from .asserts import patch_unittest
from .async_clients import patch_aiohttp, patch_old_websockets, patch_websockets
from .http_clients import patch_http_client, patch_httpcore, patch_httpx, patch_requests
from .mocks import patch_mock

PATCHES: dict[str, Callable[[Any], None]] = {
    "aiohttp": patch_aiohttp,
    "http.client": patch_http_client,
    "httpcore": patch_httpcore,
    "httpx": patch_httpx,
    "requests": patch_requests,
    "unittest.case": patch_unittest,
    "unittest.mock": patch_mock,
    "websockets.client": patch_websockets,
    "websockets.legacy.client": patch_old_websockets,
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
