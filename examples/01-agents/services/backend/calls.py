"""Signing what this service asks of auth; auth's own calls.py is the other half."""

import hmac
import time


def sign(body, secret):
    """Return the headers that show whose call this is, and when it was made."""
    made = str(time.time_ns() // 1_000_000)
    signature = hmac.digest(secret.encode(), made.encode() + b"." + body, "sha256").hex()
    return {"X-Call-Made": made, "X-Call-Signature": signature}
