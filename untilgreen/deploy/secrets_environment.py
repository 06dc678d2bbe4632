"""Settings of the process that would write secrets somewhere: nothing is run under them.

refuse_leaks(os.environ)   # once, before anything connects to the cloud
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from untilgreen.errors import ConfigError

Rule = Callable[[Mapping[str, str]], str]
"""Returns which variable leaks what; empty when none does."""


def refuse_leaks(environ: Mapping[str, str]) -> None:
    """Refuse to go on under settings that would write secrets into a log or a file.

    Raises:
        ConfigError: with a line for each variable that is to be unset.
    """
    found = [leak for rule in RULES if (leak := rule(environ))]
    if found:
        raise ConfigError("\n".join(found))


def google_payloads(environ: Mapping[str, str]) -> str:
    """Google's clients log whole answers below this scope, values of secrets in base64 among them."""
    if not environ.get("GOOGLE_SDK_PYTHON_LOGGING_SCOPE"):
        return ""
    return "GOOGLE_SDK_PYTHON_LOGGING_SCOPE is set: Google's clients would log payloads, secrets among them. Unset it."


def grpc_payloads(environ: Mapping[str, str]) -> str:
    """The tracers of gRPC print the bytes that are sent and received; a leading minus takes one away."""
    tracers = re.split(r"[,\s]+", environ.get("GRPC_TRACE", "").strip())
    loud = [tracer for tracer in tracers if tracer and not tracer.startswith("-") and tracer not in _QUIET_TRACERS]
    told = f"GRPC_TRACE={','.join(loud)}: gRPC would print what it receives, secrets among it. Unset it."
    return told if loud else ""


def logged_clients(environ: Mapping[str, str]) -> str:
    """Prefect sends what these loggers say to its server, where it stays."""
    names = [name.strip() for name in environ.get("PREFECT_LOGGING_EXTRA_LOGGERS", "").split(",")]
    loud = [name for name in names if name.split(".")[0] in _CLIENTS or name == "root"]
    if not loud:
        return ""
    return (
        f"PREFECT_LOGGING_EXTRA_LOGGERS names {', '.join(loud)}: Prefect would keep what cloud clients say about "
        f"their answers. Take it out."
    )


def session_keys(environ: Mapping[str, str]) -> str:
    """With the session keys whoever recorded the network reads everything."""
    if not environ.get("SSLKEYLOGFILE"):
        return ""
    return "SSLKEYLOGFILE is set: the keys of encrypted connections would be written to a file. Unset it."


RULES: tuple[Rule, ...] = (google_payloads, grpc_payloads, logged_clients, session_keys)

_CLIENTS = frozenset({"google", "grpc", "urllib3", "httpcore", "httpx"})

_QUIET_TRACERS = frozenset({"list_tracers", "connectivity_state", "dns_resolver", "timer", "timer_check", "none"})
"""Tracers that tell of connections and clocks. Whatever is not known to be quiet is loud."""
