"""Calls of other services of ours, signed with SERVICE_SECRET; the backend's own calls.py is the other half."""

import hmac


class CallRefused(Exception):
    """No service of ours makes this call. The message names what does not match, and never a value."""


def verify(headers, body, secret):
    """Accept a call that another service of ours has signed.

    Raises:
        CallRefused: nobody has signed it, or somebody else.
    """
    made, signature = headers.get("X-Call-Made", ""), headers.get("X-Call-Signature", "")
    if not hmac.compare_digest(signature.encode(), _signature(made, body, secret).encode()):
        raise CallRefused("X-Call-Signature is not ours")


def _signature(made, body, secret):
    return hmac.digest(secret.encode(), made.encode() + b"." + body, "sha256").hex()
