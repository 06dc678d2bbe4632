"""Reads the tokens that accounts issues."""

import base64
import hmac
import json
import time

from problems import Problem


def read(token, key):
    """Return the claims of a token."""
    parts = token.split(".")
    if len(parts) != 3:
        raise Problem(401, "this is no token")
    signed = f"{parts[0]}.{parts[1]}"
    if not hmac.compare_digest(parts[2].encode(), _signature(signed, key).encode()):
        raise Problem(403, "token not accepted")
    claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    if claims["exp"] <= time.time():
        raise Problem(401, "the token is too old")
    return claims


def _signature(signed, key):
    digest = hmac.digest(key.encode(), signed.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
