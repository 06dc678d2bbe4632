"""pycurl: its handles are C, and cannot be patched; tests get handles of a class made from theirs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from .exchanges import credentials_in, open_exchange, place, text, trace_headers
from .sight import harmless

PERFORM = ("perform", "perform_rb", "perform_rs")
METHODS = (("NOBODY", "HEAD"), ("UPLOAD", "PUT"), ("POST", "POST"), ("POSTFIELDS", "POST"), ("HTTPPOST", "POST"))
"""Options that say which method it is, where none is named."""
SECRETS = ("XOAUTH2_BEARER", "USERPWD", "PASSWORD", "COOKIE")


def patch_pycurl(module: Any) -> None:
    """Record what a handle performs, alone or as one of many; an old pycurl has handles that nobody can extend."""

    def option(self: Any, name: Any, value: Any) -> Any:
        known(self)[name] = value
        return module_curl.setopt(self, name, value)

    def reset(self: Any) -> Any:
        known(self).clear()
        return module_curl.reset(self)

    module_curl, module_multi = module.Curl, module.CurlMulti
    methods = {name: performed(module, getattr(module_curl, name)) for name in PERFORM if hasattr(module_curl, name)}
    try:
        module.Curl = type("Curl", (module_curl,), {"setopt": option, "reset": reset, **methods})
        module.CurlMulti = type("CurlMulti", (module_multi,), many(module, module_multi))
    except TypeError:
        module.Curl = module_curl


def performed(module: Any, call: Any) -> Any:
    """Return a method that records a transfer."""

    def perform(self: Any, *args: Any) -> Any:
        exchange = begin(module, self)
        try:
            return call(self, *args)
        finally:
            ended(module, self, exchange)

    return perform


def many(module: Any, multi: Any) -> dict[str, Any]:
    """Return methods for many transfers at once: each lasts from when it is added until it is removed."""

    def add_handle(self: Any, handle: Any) -> Any:
        known(handle)["exchange"] = begin(module, handle)
        return multi.add_handle(self, handle)

    def remove_handle(self: Any, handle: Any) -> Any:
        ended(module, handle, known(handle).pop("exchange", None))
        return multi.remove_handle(self, handle)

    return {"add_handle": add_handle, "remove_handle": remove_handle}


@harmless
def begin(module: Any, handle: Any) -> Any:
    """Send the trace with a transfer, and begin to record."""
    set_now = known(handle)
    names = ("URL", "CUSTOMREQUEST", "HTTPHEADER", *SECRETS, *(name for name, _ in METHODS))
    options = {name: set_now.get(getattr(module, name, None)) for name in names}
    url = text(options["URL"])
    target = urlsplit(url if "//" in url else f"http://{url}")
    where = place(target.hostname or "", target.port, target.scheme)
    given = [text(line) for line in options["HTTPHEADER"] or ()]
    pairs = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in given)]
    ours = trace_headers(where, [name for name, _ in pairs])
    if ours:
        handle.setopt(module.HTTPHEADER, [*given, *(f"{name}: {value}" for name, value in ours.items())])
        set_now[module.HTTPHEADER] = given  # the next transfer has a span of its own
    method = text(options["CUSTOMREQUEST"]) or next((method for name, method in METHODS if options[name]), "GET")
    credentials = credentials_in(pairs) or next((options[name] for name in SECRETS if options[name]), None)
    return open_exchange("pycurl", method, where, target.path, credentials)


@harmless
def ended(module: Any, handle: Any, exchange: Any) -> None:
    """Note the status of the last answer; 0 means that there was none."""
    if exchange is not None:
        exchange.status = handle.getinfo(module.RESPONSE_CODE) or None
        exchange.end()


def known(handle: Any) -> dict[Any, Any]:
    """Return what was set on a handle, by its option; one that was not made here keeps nothing."""
    kept: dict[Any, Any] = getattr(handle, "__dict__", {}).setdefault("untilgreen", {})
    return kept
