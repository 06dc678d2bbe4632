"""A certificate for localhost, for clients that insist on TLS.

It signs itself and is its own authority: whoever trusts it trusts nothing else by it.
"""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_HOST = "localhost"
_LIFE = timedelta(days=365)
_LEAST = timedelta(days=7)
"""A certificate that ends sooner is replaced at the start, not in the middle of a run."""


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, as PEM.

    Args:
        roots: the file that clients name in GRPC_DEFAULT_SSL_ROOTS_FILE_PATH.
        chain: what it holds.
        key: its private key.
    """

    roots: Path
    chain: bytes
    key: bytes


def certificate(folder: Path) -> Certificate:
    """Return the certificate of a folder, made if there is none that still holds."""
    folder.mkdir(mode=0o700, exist_ok=True)
    roots, key, until = folder / "roots.pem", folder / "key.pem", folder / "until"
    if not _holds(until):
        until.unlink(missing_ok=True)
        end = datetime.now(UTC) + _LIFE
        chain, secret = _make(end)
        key.touch(mode=0o600)
        key.write_bytes(secret)
        roots.write_bytes(chain)
        until.write_text(end.isoformat(), "ascii")
    return Certificate(roots, roots.read_bytes(), key.read_bytes())


def _holds(until: Path) -> bool:
    """Tell whether there is a whole certificate that still holds long enough: its end is written last."""
    with suppress(OSError, ValueError):
        return datetime.fromisoformat(until.read_text("ascii")) - datetime.now(UTC) > _LEAST
    return False


def _make(end: datetime) -> tuple[bytes, bytes]:
    """Return a new certificate and its key."""
    from cryptography import x509  # noqa: PLC0415 - 0.1 s that only the first start on a folder pays
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "untilgreen emulator")])
    hosts = [x509.DNSName(_HOST), *(x509.IPAddress(ipaddress.ip_address(ip)) for ip in ("127.0.0.1", "::1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem), secret
