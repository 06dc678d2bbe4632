"""What an emulator starts with, from a YAML file.

    project: emulator-moon
    secrets:
      session-key: {generate: 32, labels: {env: staging}, accessors: [backend@emulator-moon.iam.gserviceaccount.com]}
      api-token:   {value: not-a-real-token}
    faults: {read_quota: 60/1m}

`generate` is a number of characters. What `faults` may hold is told in faults.py.

The file speaks when it changes: a secret is planted again only when what the file says about it is new, and removed
when the file no longer names it. In between the secret belongs to whoever changes it through the API.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from untilgreen.emulator.iam import ACCESSOR_ROLE, Policies
from untilgreen.emulator.protos import Secret
from untilgreen.emulator.rpc import Refusal
from untilgreen.emulator.seal import Seal
from untilgreen.emulator.secret_vault import Vault
from untilgreen.emulator.state import State

_KEYS = {"generate", "value", "labels", "accessors"}


class SeedError(ValueError):
    """The seed file cannot be used. Never shows a value."""


@dataclass(frozen=True)
class Seed:
    """What a seed file says.

    Args:
        file: where.
        project: whose secrets they are.
        secrets: by name, not yet checked.
        faults: not yet checked.
    """

    file: Path
    project: str
    secrets: dict[str, Any]
    faults: dict[str, Any]


def read(file: Path) -> Seed:
    """Read a seed file.

    Raises:
        SeedError: it cannot be read, or says something that has no meaning.
    """
    found = _mapping(file)
    project, wanted, faults = found.get("project"), found.get("secrets") or {}, found.get("faults") or {}
    strange = set(found) - {"project", "secrets", "faults"}
    if strange or not isinstance(project, str) or not isinstance(wanted, dict) or not isinstance(faults, dict):
        raise SeedError(
            f"{file}: it must hold `project: ID` and `secrets: {{NAME: ...}}`, may hold `faults`, and nothing else."
        )
    return Seed(file, project, {str(name): spec for name, spec in wanted.items()}, faults)


def plant(seed: Seed, vault: Vault, policies: Policies, state: State, seal: Seal) -> None:
    """Put the secrets of a seed into the vault, as far as the seed says something new about them.

    Raises:
        SeedError: something that it says has no meaning.
    """
    shelf = state.shelf("seeded secret")
    planted = {name: seal.open(data) for name, data in shelf.read()}
    wanted = {f"projects/{seed.project}/secrets/{name}": name for name in seed.secrets}
    for name in set(planted) - set(wanted):
        _uproot(name, vault, policies)
        shelf.drop(name)
    for name, short in wanted.items():
        spec = json.dumps(seed.secrets[short], sort_keys=True, default=str).encode()
        if planted.get(name) == spec:
            continue
        try:
            _plant_one(f"projects/{seed.project}", short, seed.secrets[short], vault, policies)
        except (Refusal, TypeError, ValueError) as error:
            raise SeedError(f"{seed.file}: secrets.{short}: {error}") from None
        shelf.put(name, partial(seal.close, spec))


def _plant_one(parent: str, short: str, spec: Any, vault: Vault, policies: Policies) -> None:
    if not isinstance(spec, dict) or set(spec) - _KEYS or len({"generate", "value"} & set(spec)) != 1:
        raise SeedError("it must have either `generate` or `value`, and may have `labels` and `accessors`")
    name = f"{parent}/secrets/{short}"
    labels = {str(label): str(text) for label, text in (spec.get("labels") or {}).items()}
    if not vault.has(name):
        secret = Secret()
        secret.replication.automatic.SetInParent()
        vault.create(parent, short, secret)
    vault.relabel(name, labels)
    value = _value(spec).encode()
    if not vault.newest(name) or ("value" in spec and vault.newest(name) != value):
        vault.add(name, value)
    policies.grant(name, ACCESSOR_ROLE, [f"serviceAccount:{account}" for account in spec.get("accessors") or []])


def _uproot(name: str, vault: Vault, policies: Policies) -> None:
    if vault.has(name):
        vault.delete(name)
        policies.forget(name)


def _value(spec: dict[str, Any]) -> str:
    if "value" in spec:
        return str(spec["value"])
    length = int(spec["generate"])
    return secrets.token_urlsafe(length)[:length]


def _mapping(file: Path) -> dict[str, Any]:
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
