"""The secrets that an emulator starts with, from a YAML file.

    project: emulator-moon
    secrets:
      session-key: {generate: 32, labels: {env: staging}, accessors: [backend@emulator-moon.iam.gserviceaccount.com]}
      api-token:   {value: not-a-real-token}

`generate` is a number of characters.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import yaml

from untilgreen.emulator.iam import ACCESSOR_ROLE, Policies
from untilgreen.emulator.protos import Secret
from untilgreen.emulator.rpc import Refusal
from untilgreen.emulator.secret_vault import Vault

_KEYS = {"generate", "value", "labels", "accessors"}


class SeedError(ValueError):
    """The seed file cannot be used. Never shows a value."""


def plant(file: Path, vault: Vault, policies: Policies) -> None:
    """Put the secrets of a seed file into the vault.

    Raises:
        SeedError: the file cannot be read, or says something that has no meaning.
    """
    seed = _read(file)
    project = seed.get("project")
    wanted = seed.get("secrets") or {}
    if set(seed) - {"project", "secrets"} or not isinstance(project, str) or not isinstance(wanted, dict):
        raise SeedError(f"{file}: it must hold `project: ID` and `secrets: {{NAME: ...}}`, and nothing else.")
    for name, spec in wanted.items():
        try:
            _plant_one(f"projects/{project}", str(name), spec, vault, policies)
        except (Refusal, TypeError, ValueError) as error:
            raise SeedError(f"{file}: secrets.{name}: {error}") from None


def _plant_one(parent: str, name: str, spec: Any, vault: Vault, policies: Policies) -> None:
    if not isinstance(spec, dict) or set(spec) - _KEYS or len({"generate", "value"} & set(spec)) != 1:
        raise SeedError("it must have either `generate` or `value`, and may have `labels` and `accessors`")
    secret = Secret()
    secret.replication.automatic.SetInParent()
    for label, text in (spec.get("labels") or {}).items():
        secret.labels[str(label)] = str(text)
    kept = vault.create(parent, name, secret)
    vault.add(kept.name, _value(spec).encode())
    accounts = spec.get("accessors") or []
    if accounts:
        policies.grant(kept.name, ACCESSOR_ROLE, [f"serviceAccount:{account}" for account in accounts])


def _value(spec: dict[str, Any]) -> str:
    if "value" in spec:
        return str(spec["value"])
    length = int(spec["generate"])
    return secrets.token_urlsafe(length)[:length]


def _read(file: Path) -> dict[str, Any]:
    try:
        seed = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise SeedError(f"{file}: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise SeedError(f"{file}:{mark.line + 1 if mark else 1}: this is not YAML.") from None
    if not isinstance(seed, dict):
        raise SeedError(f"{file}: it must hold `project: ID` and `secrets: {{NAME: ...}}`.")
    return seed
