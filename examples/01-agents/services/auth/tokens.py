"""Signed tokens in the form of a JWT: HS256 only, standard library only."""

import base64
import hmac
import json
import time


class TokenRefused(Exception):
    """The token proves nothing. The message says why and may be shown to anyone."""


def issue(user, roles, key, lifetime_s=3600):
    """Return a token that says who its bearer is, until `lifetime_s` seconds from now."""
    now = int(time.time())
    claims = {"sub": user, "roles": sorted(roles), "iat": now, "exp": now + lifetime_s}
    signed = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(claims)}"
    return f"{signed}.{_signature(signed, key)}"


def read(token, key):
    """Return the claims of a token.

    Raises:
        TokenRefused: it is malformed, somebody else signed it, or its time is over.
    """
    if not isinstance(token, str) or token.count(".") != 2:
        raise TokenRefused("malformed token")
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(signed, key).encode()):
        raise TokenRefused("wrong signature")
    claims = json.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "=="))
    if claims["exp"] <= time.time():
        raise TokenRefused("token expired")
    return claims


def _encode(part):
    text = json.dumps(part, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _signature(signed, key):
    digest = hmac.digest(key.encode(), signed.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
