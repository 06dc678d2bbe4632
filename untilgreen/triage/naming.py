"""What a cause is called: words for people that stay the same from cycle to cycle. No commit, no line, no revision."""

from __future__ import annotations

from untilgreen.model.claims import (
    AuthRejected,
    Claim,
    CodeDefect,
    ConfigMismatch,
    DependencyUnreachable,
    FileExcluded,
    RegressedBy,
    ResourceExhausted,
    SecretMissing,
    ServiceDown,
    TimedOut,
)

_INSTEAD = {"traffic": "another revision than the tested one answers", "commit": "it runs older source than was tested"}


def called(claim: Claim) -> str:
    """Return the name of a cause that ends at this claim."""
    match claim:
        case SecretMissing(service=service, env=env):
            words = f"{service} is not given {env}"
        case ConfigMismatch(service=service, key=key):
            words = f"{service}: {_INSTEAD.get(key, f'{key} is not what it must be')}"
        case FileExcluded(path=path, rule_file=rule_file):
            words = f"{rule_file} keeps {path} out of the image"
        case ResourceExhausted(service=service, resource=resource):
            words = f"{service} runs out of {resource}"
        case DependencyUnreachable(service=service, callee=callee):
            words = f"{service} cannot reach {callee}"
        case _:
            words = _otherwise(claim)
    return words


def _otherwise(claim: Claim) -> str:
    match claim:
        case TimedOut(service=service, path=path):
            return f"{service} takes too long for {path}"
        case ServiceDown(service=service):
            return f"nothing that works answers for {service}"
        case AuthRejected(service=service, path=path, status=status):
            return f"{service} refuses {path} with {status}"
        case CodeDefect(path=path, symbol=symbol):
            return f"{symbol} in {path} is wrong"
        case RegressedBy(path=path):
            return f"a change in {path}"
        case _:
            return f"{claim.type} {claim.subject}"
