"""Tokens in the form of a JWT, HS256 only."""

import base64
import hmac
import json
import time


def issue(user, role, key, lifetime_s=3600):
    """Return a token that says who its bearer is."""
    now = int(time.time())
    claims = {"sub": user, "role": role, "iat": now, "exp": now + lifetime_s}
    signed = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(claims)}"
    return f"{signed}.{_signature(signed, key)}"


def _encode(part):
    text = json.dumps(part, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _signature(signed, key):
    digest = hmac.digest(key.encode(), signed.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
