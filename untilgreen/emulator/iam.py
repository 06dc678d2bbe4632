"""Who may do what: policies on resources, and the roles that the emulator knows."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from google.iam.v1 import iam_policy_pb2, policy_pb2

from untilgreen.emulator.protos import Message
from untilgreen.emulator.rpc import Caller, Refusal, not_emulated
from untilgreen.emulator.state import State

ACCESS = "secretmanager.versions.access"
ACCESSOR_ROLE = "roles/secretmanager.secretAccessor"

_VIEW = (
    "secretmanager.secrets.get",
    "secretmanager.secrets.list",
    "secretmanager.secrets.getIamPolicy",
    "secretmanager.versions.get",
    "secretmanager.versions.list",
)
_MANAGE_VERSIONS = (
    "secretmanager.versions.add",
    "secretmanager.versions.enable",
    "secretmanager.versions.disable",
    "secretmanager.versions.destroy",
    "secretmanager.versions.get",
    "secretmanager.versions.list",
)
_CHANGE = (
    "secretmanager.secrets.create",
    "secretmanager.secrets.update",
    "secretmanager.secrets.delete",
    "secretmanager.secrets.setIamPolicy",
)
_ROLES: dict[str, frozenset[str]] = {
    ACCESSOR_ROLE: frozenset({ACCESS}),
    "roles/secretmanager.viewer": frozenset(_VIEW),
    "roles/secretmanager.secretVersionAdder": frozenset({"secretmanager.versions.add"}),
    "roles/secretmanager.secretVersionManager": frozenset(_MANAGE_VERSIONS),
    "roles/secretmanager.admin": frozenset({ACCESS, *_VIEW, *_MANAGE_VERSIONS, *_CHANGE}),
    "roles/run.invoker": frozenset({"run.routes.invoke"}),
    "roles/run.servicesInvoker": frozenset({"run.routes.invoke"}),
    "roles/run.admin": frozenset({"run.routes.invoke"}),
}


class Policies:
    """The IAM policies of resources, by resource name.

    Args:
        state: where they outlive the emulator.
    """

    def __init__(self, state: State) -> None:
        self._kept = state.shelf("policy")
        self._policies: dict[str, Message] = {n: policy_pb2.Policy.FromString(data) for n, data in self._kept.read()}

    def get(self, resource: str) -> Message:
        """Return a resource's policy; a new one is empty."""
        return self._policies.setdefault(resource, policy_pb2.Policy(version=1, etag=b"ACAB"))

    def set(self, resource: str, policy: Message) -> Message:
        """Keep a policy.

        Raises:
            Refusal: it was read before someone else changed it, or it has conditions.
        """
        if any(binding.HasField("condition") for binding in policy.bindings):
            raise not_emulated("policy.bindings.condition")
        current = self.get(resource)
        if policy.etag and policy.etag != current.etag:
            raise Refusal(
                grpc.StatusCode.ABORTED,
                "There were concurrent policy changes. "
                "Please retry the whole read-modify-write with exponential backoff.",
            )
        kept = policy_pb2.Policy()
        kept.CopyFrom(policy)
        kept.etag = (int.from_bytes(current.etag, "big") + 1).to_bytes(len(current.etag), "big")
        self._policies[resource] = kept
        self._kept.put(resource, kept.SerializeToString)
        return kept

    def grant(self, resource: str, role: str, members: Sequence[str]) -> None:
        """Let these members, and no others, have a role."""
        policy = self.get(resource)
        others = [binding for binding in policy.bindings if binding.role != role]
        wanted = [policy_pb2.Binding(role=role, members=members)] if members else []
        del policy.bindings[:]
        policy.bindings.extend([*others, *wanted])
        self._kept.put(resource, policy.SerializeToString)

    def forget(self, resource: str) -> None:
        """Drop the policy of a resource that is gone."""
        if self._policies.pop(resource, None) is not None:
            self._kept.drop(resource)

    def may(self, caller: Caller, permission: str, resource: str) -> bool:
        """Tell whether a caller has a permission on a resource; the deployer has all."""
        if not caller.member:
            return True
        return any(
            permission in _ROLES.get(binding.role, ())
            and not {caller.member, "allUsers", "allAuthenticatedUsers"}.isdisjoint(binding.members)
            for binding in self.get(resource).bindings
        )

    def members(self, permission: str, resource: str) -> frozenset[str]:
        """Return who has a permission on a resource, as its policy names them."""
        bindings = self._policies[resource].bindings if resource in self._policies else ()
        return frozenset(
            m for binding in bindings if permission in _ROLES.get(binding.role, ()) for m in binding.members
        )

    def need(self, caller: Caller, permission: str, resource: str) -> None:
        """Let a caller pass who has a permission.

        Raises:
            Refusal: the caller has not.
        """
        if not self.may(caller, permission, resource):
            raise Refusal(
                grpc.StatusCode.PERMISSION_DENIED,
                f"Permission '{permission}' denied for resource '{resource}' (or it may not exist).",
            )

    def test(self, caller: Caller, request: Message) -> Message:
        """Answer TestIamPermissions."""
        granted = [name for name in request.permissions if self.may(caller, name, request.resource)]
        return iam_policy_pb2.TestIamPermissionsResponse(permissions=granted)
