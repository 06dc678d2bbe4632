"""The secrets themselves: names, versions, values. A value leaves only by `access`."""

from __future__ import annotations

import re
import uuid

import grpc

from untilgreen.emulator.protos import Message, Secret, SecretVersion, VersionState
from untilgreen.emulator.rpc import Refusal, invalid

LONGEST = 65_536
_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")


class Vault:
    """Keeps secrets in memory only: nothing of them is ever written to disk."""

    def __init__(self) -> None:
        self._secrets: dict[str, Message] = {}
        self._versions: dict[str, list[Message]] = {}
        self._values: dict[str, bytes] = {}

    def create(self, parent: str, secret_id: str, secret: Message) -> Message:
        """Keep a new secret without versions.

        Raises:
            Refusal: it exists already, or cannot be called that.
        """
        if not _ID.fullmatch(secret_id):
            raise invalid(f"Invalid secret id '{secret_id}': it must match [a-zA-Z_0-9-]{{1,255}}.")
        name = f"{parent}/secrets/{secret_id}"
        if name in self._secrets:
            raise Refusal(grpc.StatusCode.ALREADY_EXISTS, f"Secret [{name}] already exists.")
        kept = Secret()
        kept.CopyFrom(secret)
        kept.name = name
        kept.etag = _etag()
        kept.create_time.GetCurrentTime()
        self._secrets[name], self._versions[name] = kept, []
        return kept

    def secret(self, name: str) -> Message:
        """Return a secret.

        Raises:
            Refusal: there is none of that name.
        """
        if name not in self._secrets:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Secret [{name}] not found or has no versions.")
        return self._secrets[name]

    def secrets(self, parent: str) -> list[Message]:
        """Return a project's secrets by name."""
        return [self._secrets[name] for name in sorted(self._secrets) if name.startswith(f"{parent}/secrets/")]

    def delete(self, name: str) -> None:
        """Forget a secret and all its versions."""
        self.secret(name)
        del self._secrets[name]
        for version in self._versions.pop(name):
            self._values.pop(version.name, None)

    def add(self, parent: str, value: bytes) -> Message:
        """Keep a new version.

        Raises:
            Refusal: there is no such secret, or the value is empty or too long.
        """
        self.secret(parent)
        if not 0 < len(value) <= LONGEST:
            raise invalid(f"The payload must hold between 1 and {LONGEST} bytes.")
        versions = self._versions[parent]
        version = SecretVersion(name=f"{parent}/versions/{len(versions) + 1}", state=VersionState.ENABLED, etag=_etag())
        version.create_time.GetCurrentTime()
        versions.append(version)
        self._values[version.name] = value
        return version

    def versions(self, secret: str) -> list[Message]:
        """Return a secret's versions, newest first."""
        self.secret(secret)
        return self._versions[secret][::-1]

    def version(self, name: str) -> Message:
        """Return the version that a name means: a number, `latest`, or one of the secret's aliases.

        Raises:
            Refusal: there is none.
        """
        secret, _, wanted = name.partition("/versions/")
        versions = self._versions.get(secret, [])
        aliases = self._secrets[secret].version_aliases if secret in self._secrets else {}
        if wanted == "latest":
            number = len(versions)
        else:
            number = aliases[wanted] if wanted in aliases else int(wanted) if wanted.isdigit() else 0
        if not 0 < number <= len(versions):
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Secret Version [{name}] not found or has no versions.")
        return versions[number - 1]

    def value(self, name: str) -> tuple[str, bytes]:
        """Return a version's own name and its value.

        Raises:
            Refusal: there is none, or it is disabled or destroyed.
        """
        version = self.version(name)
        if version.state != VersionState.ENABLED:
            state = VersionState(version.state).name
            raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, f"Secret Version [{version.name}] is in {state} state.")
        return version.name, self._values[version.name]

    def set_state(self, name: str, state: int) -> Message:
        """Enable, disable or destroy a version.

        Raises:
            Refusal: there is none, or it is destroyed.
        """
        version = self.version(name)
        if version.state == VersionState.DESTROYED:
            raise Refusal(
                grpc.StatusCode.FAILED_PRECONDITION, f"Secret Version [{version.name}] is in DESTROYED state."
            )
        version.state = int(state)
        version.etag = _etag()
        if state == VersionState.DESTROYED:
            version.destroy_time.GetCurrentTime()
            self._values.pop(version.name, None)
        return version


def _etag() -> str:
    return f'"{uuid.uuid4().hex[:14]}"'
