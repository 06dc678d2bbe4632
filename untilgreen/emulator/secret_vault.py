"""The secrets themselves: names, versions, values. A value leaves only by `access`."""

from __future__ import annotations

import re
import uuid

import grpc

from untilgreen.emulator.protos import Message, Secret, SecretVersion, VersionState
from untilgreen.emulator.rpc import Refusal, invalid
from untilgreen.emulator.seal import Seal
from untilgreen.emulator.state import State

LONGEST = 65_536
_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")


class Vault:
    """Keeps secrets.

    Args:
        state: where they outlive the emulator.
        seal: closes their values there.

    Raises:
        StateBroken: the seal is not the one that closed the values that are there.
    """

    def __init__(self, state: State, seal: Seal) -> None:
        self._seal = seal
        self._kept_secrets = state.shelf("secret")
        self._kept_versions = state.shelf("secret version")
        self._kept_values = state.shelf("secret value")
        self._secrets: dict[str, Message] = {n: Secret.FromString(data) for n, data in self._kept_secrets.read()}
        self._versions: dict[str, list[Message]] = {name: [] for name in self._secrets}
        for name, data in self._kept_versions.read():
            self._versions[_secret_of(name)].append(SecretVersion.FromString(data))
        self._values = {name: seal.open(data) for name, data in self._kept_values.read()}

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
        self._kept_secrets.put(name, kept.SerializeToString)
        return kept

    def relabel(self, name: str, labels: dict[str, str]) -> None:
        """Give a secret these labels and no others."""
        secret = self.secret(name)
        secret.labels.clear()
        secret.labels.update(labels)
        secret.etag = _etag()
        self._kept_secrets.put(name, secret.SerializeToString)

    def secret(self, name: str) -> Message:
        """Return a secret.

        Raises:
            Refusal: there is none of that name.
        """
        if name not in self._secrets:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Secret [{name}] not found or has no versions.")
        return self._secrets[name]

    def has(self, name: str) -> bool:
        """Tell whether there is a secret of that name."""
        return name in self._secrets

    def newest(self, name: str) -> bytes:
        """Return the value of a secret's newest version; empty if it has none, or one that cannot be used."""
        versions = self._versions[name]
        usable = versions and versions[-1].state == VersionState.ENABLED
        return self._values[versions[-1].name] if usable else b""

    def secrets(self, parent: str) -> list[Message]:
        """Return a project's secrets by name."""
        return [self._secrets[name] for name in sorted(self._secrets) if name.startswith(f"{parent}/secrets/")]

    def delete(self, name: str) -> None:
        """Forget a secret and all its versions."""
        self.secret(name)
        del self._secrets[name]
        self._kept_secrets.drop(name)
        for version in self._versions.pop(name):
            self._kept_versions.drop(version.name)
            self._forget_value(version.name)

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
        self._kept_versions.put(version.name, version.SerializeToString)
        self._kept_values.put(version.name, lambda: self._seal.close(value))
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
        secret, wanted = _secret_of(name), name.partition("/versions/")[2]
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
            self._forget_value(version.name)
        self._kept_versions.put(version.name, version.SerializeToString)
        return version

    def _forget_value(self, version: str) -> None:
        if self._values.pop(version, None) is not None:
            self._kept_values.drop(version)


def _secret_of(version: str) -> str:
    return version.partition("/versions/")[0]


def _etag() -> str:
    return f'"{uuid.uuid4().hex[:14]}"'
