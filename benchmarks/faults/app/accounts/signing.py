"""Calls of our other services are signed with SERVICE_KEY."""

import hmac


def is_ours(signature, path, key):
    """Tell whether one of our services signed this call."""
    return hmac.compare_digest(signature.encode(), hmac.digest(key.encode(), path.encode(), "sha256").hex().encode())
