"""An approver's key: ed25519, the private half in a file of the approver's own, never in a repository."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from untilgreen.errors import ConfigError


def new_key(file: Path) -> str:
    """Make a key, keep its private half in a file that only its owner can read, and return the public half.

    Raises:
        ConfigError: the file is there already, or lies in a git repository.
    """
    _need_outside(file)
    key = Ed25519PrivateKey.generate()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{file}: there is a key already. Remove it first if nobody needs it.") from None
    with os.fdopen(handle, "wb") as out:
        out.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return public_half(key)


def public_half(key: Ed25519PrivateKey) -> str:
    """Return what the settings hold of a key."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def sign(file: Path, text: bytes) -> str:
    """Sign with the key of a file.

    Raises:
        ConfigError: there is no such key, or it is of another kind.
    """
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        raise ConfigError(f"{file}: no key can be read. `untilgreen approve --new-key NAME` makes one.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{file}: it is no ed25519 key. `untilgreen approve --new-key NAME` makes one.")
    return base64.b64encode(key.sign(text)).decode()


def fits(public: str, text: bytes, signature: str) -> bool:
    """Tell whether a signature is this key's under this text; what cannot be read does not fit."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        key.verify(base64.b64decode(signature, validate=True), text)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _need_outside(file: Path) -> None:
    for folder in file.resolve().parents:
        if (folder / ".git").exists():
            raise ConfigError(
                f"{file}: it would lie in the repository {folder}. Keep keys outside: --key names a file."
            )
