"""Google's tokens, as this emulator issues and checks them: ID tokens signed with a key of its own, access tokens.

The key lives as long as the emulator; nobody but the emulator itself and whoever it tells its certificate trusts it.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
import secrets
import time
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from untilgreen.emulator.invoker import InvalidToken

ISSUER = "https://accounts.google.com"
LIFETIME_S = 3600
_SKEW_S = 10


class Tokens:
    """Issues and checks tokens."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._certificate = _certificate(self._key)
        self._id = hashlib.sha256(self._certificate.encode()).hexdigest()[:40]
        self._access: dict[str, tuple[str, float]] = {}

    def identity(self, account: str, audience: str) -> str:
        """Return an ID token that says who asks whom.

        Args:
            account: email of a service account.
            audience: for whom it is, such as a service's URL.
        """
        now = int(time.time())
        subject = account_number(account)
        claims = {
            "aud": audience,
            "azp": subject,
            "email": account,
            "email_verified": True,
            "exp": now + LIFETIME_S,
            "iat": now,
            "iss": ISSUER,
            "sub": subject,
        }
        signed = f"{_part({'alg': 'RS256', 'kid': self._id, 'typ': 'JWT'})}.{_part(claims)}"
        return f"{signed}.{_encoded(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def access(self, account: str) -> str:
        """Return an access token of a service account; `holder` knows it again."""
        now = time.time()
        self._access = {token: kept for token, kept in self._access.items() if kept[1] > now}
        token = f"ya29.c.{secrets.token_urlsafe(48)}"
        self._access[token] = account, now + LIFETIME_S
        return token

    def holder(self, token: str) -> str | None:
        """Return whose access token that is, or None."""
        account, ends = self._access.get(token, ("", 0.0))
        return account if ends > time.time() else None

    def claims(self, token: str) -> dict[str, Any]:
        """Return what an ID token says.

        Raises:
            InvalidToken: it is none of ours, or no longer valid.
        """
        signed, _, signature = token.rpartition(".")
        try:
            header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
            self._key.public_key().verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            issued, ends = float(claims["iat"]), float(claims["exp"])
        except (ValueError, TypeError, KeyError, binascii.Error, InvalidSignature):
            raise InvalidToken("it is not signed here") from None
        if header.get("alg") != "RS256" or not issued - _SKEW_S <= time.time() <= ends + _SKEW_S:
            raise InvalidToken("it is not valid now")
        return dict(claims)

    def certificates(self) -> dict[str, str]:
        """Return the certificate that ID tokens can be checked with, by its id, as Google's certs URL does."""
        return {self._id: self._certificate}

    def key_set(self) -> dict[str, Any]:
        """Return the same as a JSON Web Key Set."""
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self._id}
        return {"keys": [key | {"n": _number(numbers.n), "e": _number(numbers.e)}]}


def account_number(account: str) -> str:
    """Return the unique id of a service account: 21 digits, always the same for the same email."""
    return str(10**20 + int.from_bytes(hashlib.sha256(account.encode()).digest()[:8], "big"))


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.emulator.invalid")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
    signed = builder.not_valid_after(now + dt.timedelta(days=365)).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def _part(content: dict[str, Any]) -> str:
    return _encoded(json.dumps(content, separators=(",", ":")).encode())


def _number(number: int) -> str:
    return _encoded(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
