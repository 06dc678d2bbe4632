"""Who may call a service: Cloud Run's own check at the front end, before any instance sees the request.

On Cloud Run a new service is private: only who has `roles/run.invoker` on it gets through, `allUsers` makes it public.
Here this check is off unless the emulator is started with `--invoker-iam`, since deployers who set no policy would
otherwise stand before closed doors. With it, services are private until a policy lets somebody in, or until
`invoker_iam_disabled` takes the check away. Group and domain members are not emulated: they let nobody in.

ID tokens come from the metadata server: each container's GCE_METADATA_HOST, and for those outside the one in the
emulator's first line of output, which also gives the tokens of any other service account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from untilgreen.emulator import front_answers
from untilgreen.emulator.front_answers import Answer
from untilgreen.emulator.http1 import Head
from untilgreen.emulator.iam import Policies
from untilgreen.emulator.names import ServiceName
from untilgreen.emulator.protos import Message

PERMISSION = "run.routes.invoke"
_BEARER = b"bearer "
_HEADERS = (b"x-serverless-authorization", b"authorization")
"""If both are there, only the first one counts."""

_REMOVED = b"SIGNATURE_REMOVED_BY_GOOGLE"


class InvalidToken(Exception):
    """A token that does not say what it should, or that nobody here has signed."""


class Checker(Protocol):
    """Checks tokens."""

    def claims(self, token: str) -> dict[str, Any]:
        """Return what an ID token says.

        Raises:
            InvalidToken: it cannot be trusted.
        """


class Invokers:
    """Lets requests in.

    Args:
        policies: say who may call which service.
        tokens: checks who it is.
        services: gives all services by name.
    """

    def __init__(self, policies: Policies, tokens: Checker, services: Callable[[], Mapping[str, Message]]) -> None:
        self._policies = policies
        self._tokens = tokens
        self._services = services

    def admit(self, service: ServiceName, head: Head) -> Head | Answer:
        """Return a request's head as the instance may see it, or the answer to a request that is turned away."""
        members = self._policies.members(PERMISSION, str(service))
        message = self._services().get(str(service))
        if "allUsers" in members or (message is not None and message.invoker_iam_disabled):
            return head
        path = head.start[1].partition(b"?")[0]
        name = next((name for name in _HEADERS if name in head.fields), b"")
        value = head.fields.get(name, b"")
        if not value.lower().startswith(_BEARER):
            return front_answers.unauthenticated(path)
        token = value[len(_BEARER) :].strip()
        try:
            member = self._caller(token, message)
        except InvalidToken:
            return front_answers.unverified(path)
        if members.isdisjoint((member, "allAuthenticatedUsers")):
            return front_answers.unauthorized(path)
        return _without_signature(head, name, token)

    def _caller(self, token: bytes, service: Message | None) -> str:
        """Return the IAM member that a token speaks of.

        Raises:
            InvalidToken: it cannot be trusted, or it is meant for another service.
        """
        claims = self._tokens.claims(token.decode("latin-1"))
        audiences = {service.uri.rstrip("/"), *service.custom_audiences} if service is not None else set()
        audience, email = str(claims.get("aud", "")), str(claims.get("email", ""))
        if not audiences & {audience, audience.rstrip("/")}:
            raise InvalidToken("it is meant for somebody else")
        return f"serviceAccount:{email}" if email.endswith(".gserviceaccount.com") else f"user:{email}"


def _without_signature(head: Head, name: bytes, token: bytes) -> Head:
    """Take the signature away, so that the service cannot use the token to speak in its caller's name."""
    shown = b"Bearer " + token.rpartition(b".")[0] + b"." + _REMOVED
    headers = [(key, shown if key.lower() == name else value) for key, value in head.headers]
    return replace(head, headers=headers, fields=head.fields | {name: shown})
