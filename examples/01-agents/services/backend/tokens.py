"""Reading the tokens that auth issues; auth's own tokens.py is the other half."""

import base64
import hmac
import json
import time


class TokenRefused(Exception):
    """The token proves nothing. The message says why and may be shown to anyone."""


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


def _signature(signed, key):
    digest = hmac.digest(key.encode(), signed.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
