"""Images that somebody else has built: a tag is resolved to a digest before it is deployed, for a tag may move."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx

from untilgreen.errors import BuildFailed, CloudUnavailable
from untilgreen.ports import BuildOrder

_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_HUB = {"docker.io": "registry-1.docker.io"}
_LIMIT_S = 20
_SERVER = 500


class PrebuiltImages:
    """Names an image that is there already.

    Args:
        tag: may hold `{commit}`; empty when a digest is given.
        digest: `sha256:` and 64 hex digits, or empty.
        resolve: (image, tag, commit) -> digest.
    """

    def __init__(self, tag: str, digest: str, resolve: Callable[[str, str, str], str]) -> None:
        self._tag = tag
        self._digest = digest
        self._resolve = resolve

    def ready(self) -> None:
        """See that there is something to look for."""
        if bool(self._tag) == bool(self._digest):
            raise BuildFailed("A prebuilt image needs a tag or a digest, and not both. Correct services.NAME.builder.")

    def build(self, order: BuildOrder) -> str:
        """Return the digest.

        Raises:
            BuildFailed: there is no such tag, or the registry does not say.
        """
        return self._digest or self._resolve(order.image, self._tag.replace("{commit}", order.commit), order.commit)


def ask_registry(image: str, tag: str, _commit: str = "", *, transport: httpx.BaseTransport | None = None) -> str:
    """Ask a registry for the digest of a tag, as anybody may.

    Args:
        image: registry and name, without tag.
        tag: for example `v7`.
        transport: how to reach it; None for the network.

    Raises:
        BuildFailed: it has no such tag, or wants credentials.
        CloudUnavailable: it does not answer right now.
    """
    host, _, name = image.partition("/")
    scheme = "http" if host.partition(":")[0] in ("localhost", "127.0.0.1") else "https"
    url = f"{scheme}://{_HUB.get(host, host)}/v2/{name}/manifests/{tag}"
    try:
        with httpx.Client(transport=transport, timeout=_LIMIT_S, follow_redirects=True) as client:
            answer = client.head(url, headers={"Accept": _MANIFESTS})
            if answer.status_code == httpx.codes.UNAUTHORIZED and (token := _token(client, answer)):
                answer = client.head(url, headers={"Accept": _MANIFESTS, "Authorization": f"Bearer {token}"})
    except httpx.HTTPError as error:
        raise CloudUnavailable(f"{host}: the registry does not answer ({type(error).__name__}: {error}).") from None
    return _digest_of(answer, f"{image}:{tag}", host)


def _digest_of(answer: httpx.Response, reference: str, host: str) -> str:
    if answer.status_code >= _SERVER:
        raise CloudUnavailable(f"{host}: the registry answered {answer.status_code} for {reference}.")
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise BuildFailed(
            f"{reference}: the registry wants credentials. Set services.NAME.builder.digest_command to a command that "
            f"prints the digest, or name the digest itself."
        )
    digest = answer.headers.get("Docker-Content-Digest", "")
    if answer.status_code != httpx.codes.OK or not _DIGEST.fullmatch(digest):
        raise BuildFailed(
            f"{reference}: the registry has no such image ({answer.status_code}). Push it, or correct the tag."
        )
    return str(digest)


def _token(client: httpx.Client, answer: httpx.Response) -> str:
    """Fetch the token that the registry hands to anybody, from where its challenge says."""
    challenge = answer.headers.get("WWW-Authenticate", "")
    told = dict(_CHALLENGE.findall(challenge))
    realm = told.pop("realm", "")
    if not challenge.lower().startswith("bearer") or urlsplit(realm).scheme not in ("https", "http"):
        return ""
    given = client.get(realm, params={key: told[key] for key in ("service", "scope") if key in told})
    if given.status_code != httpx.codes.OK:
        return ""
    held = given.json()
    return str(held.get("token") or held.get("access_token") or "")
