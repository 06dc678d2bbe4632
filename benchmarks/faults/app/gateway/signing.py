"""Signs what this service asks of accounts."""

import hmac


def sign(path, key):
    """Return the header that shows whose call this is."""
    return hmac.digest(key.encode(), path.encode(), "sha256").hex()
