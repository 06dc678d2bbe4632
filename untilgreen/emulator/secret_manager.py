"""Secret Manager v1: `google.cloud.secretmanager.v1.SecretManagerService`."""

from __future__ import annotations

import grpc
from google.iam.v1 import iam_policy_pb2
from google.protobuf import empty_pb2

from untilgreen.emulator import protos
from untilgreen.emulator.crc32c import crc32c
from untilgreen.emulator.iam import ACCESS, Policies
from untilgreen.emulator.protos import Message, VersionState
from untilgreen.emulator.rpc import Caller, Method, Refusal, invalid, not_emulated, page
from untilgreen.emulator.secret_vault import Vault

SERVICE = "/google.cloud.secretmanager.v1.SecretManagerService/"


class SecretDenied(Exception):
    """A revision may not have a secret's value. The message is Cloud Run's."""


class SecretManager:
    """Answers the methods of Secret Manager, and gives revisions the values that they may have.

    Args:
        vault: the secrets.
        policies: who may read them.
    """

    def __init__(self, vault: Vault, policies: Policies) -> None:
        self._vault = vault
        self._policies = policies

    def methods(self) -> dict[str, Method]:
        """Return the methods by name."""
        methods = {
            "CreateSecret": Method(protos.CreateSecretRequest, self.create_secret),
            "GetSecret": Method(protos.GetSecretRequest, self.get_secret),
            "ListSecrets": Method(protos.ListSecretsRequest, self.list_secrets),
            "DeleteSecret": Method(protos.DeleteSecretRequest, self.delete_secret),
            "AddSecretVersion": Method(protos.AddSecretVersionRequest, self.add_version),
            "GetSecretVersion": Method(protos.GetSecretVersionRequest, self.get_version),
            "ListSecretVersions": Method(protos.ListSecretVersionsRequest, self.list_versions),
            "AccessSecretVersion": Method(protos.AccessSecretVersionRequest, self.access_version),
            "EnableSecretVersion": Method(protos.EnableSecretVersionRequest, self.enable_version),
            "DisableSecretVersion": Method(protos.DisableSecretVersionRequest, self.disable_version),
            "DestroySecretVersion": Method(protos.DestroySecretVersionRequest, self.destroy_version),
            "SetIamPolicy": Method(iam_policy_pb2.SetIamPolicyRequest, self.set_policy),
            "GetIamPolicy": Method(iam_policy_pb2.GetIamPolicyRequest, self.get_policy),
            "TestIamPermissions": Method(iam_policy_pb2.TestIamPermissionsRequest, self.test_permissions),
        }
        return {SERVICE + name: method for name, method in methods.items()}

    def value_for(self, secret: str, version: str, account: str) -> str:
        """Return the value that a revision of this service account starts with.

        Args:
            secret: full name, `projects/PROJECT/secrets/NAME`.
            version: a number, `latest`, or an alias.
            account: e-mail of the service account.

        Raises:
            SecretDenied: it may not have it, or there is none.
        """
        name = f"{secret}/versions/{version}"
        if not self._exists(secret):
            raise SecretDenied(f"Secret {name} was not found")
        if not self._policies.may(Caller(f"serviceAccount:{account}"), ACCESS, secret):
            raise SecretDenied(
                f"Permission denied on secret: {name} for Revision service account {account}. The service account used "
                "must be granted the 'Secret Manager Secret Accessor' role (roles/secretmanager.secretAccessor) at the "
                "secret, project or higher level."
            )
        try:
            return self._vault.value(name)[1].decode()
        except Refusal as refusal:
            missing = refusal.code == grpc.StatusCode.NOT_FOUND
            raise SecretDenied(f"Secret {name} was not found" if missing else refusal.message) from None
        except UnicodeDecodeError:
            raise SecretDenied(f"Secret {name} holds bytes that are no UTF-8 text") from None

    def _exists(self, secret: str) -> bool:
        try:
            self._vault.secret(secret)
        except Refusal:
            return False
        return True

    async def create_secret(self, request: Message, _: Caller) -> Message:
        """Make a secret without versions."""
        return self._vault.create(request.parent, request.secret_id, request.secret)

    async def get_secret(self, request: Message, _: Caller) -> Message:
        """Return a secret's metadata."""
        return self._vault.secret(request.name)

    async def list_secrets(self, request: Message, _: Caller) -> Message:
        """Return a project's secrets."""
        if request.filter:
            raise not_emulated("ListSecretsRequest.filter")
        found = self._vault.secrets(request.parent)
        rows, token = page(found, request.page_size, request.page_token)
        return protos.ListSecretsResponse(secrets=rows, next_page_token=token, total_size=len(found))

    async def delete_secret(self, request: Message, _: Caller) -> Message:
        """Remove a secret with all its versions."""
        self._vault.delete(request.name)
        self._policies.forget(request.name)
        return empty_pb2.Empty()

    async def add_version(self, request: Message, _: Caller) -> Message:
        """Keep a new value."""
        payload = request.payload
        if payload.HasField("data_crc32c") and payload.data_crc32c != crc32c(payload.data):
            raise invalid("The payload does not match its data_crc32c.")
        return self._vault.add(request.parent, payload.data)

    async def get_version(self, request: Message, _: Caller) -> Message:
        """Return a version's metadata."""
        return self._vault.version(request.name)

    async def list_versions(self, request: Message, _: Caller) -> Message:
        """Return a secret's versions, newest first."""
        if request.filter:
            raise not_emulated("ListSecretVersionsRequest.filter")
        found = self._vault.versions(request.parent)
        rows, token = page(found, request.page_size, request.page_token)
        return protos.ListSecretVersionsResponse(versions=rows, next_page_token=token, total_size=len(found))

    async def access_version(self, request: Message, caller: Caller) -> Message:
        """Return a value, to those who may have it."""
        self._policies.need(caller, ACCESS, request.name.partition("/versions/")[0])
        name, value = self._vault.value(request.name)
        response = protos.AccessSecretVersionResponse(name=name)
        response.payload.data = value
        response.payload.data_crc32c = crc32c(value)
        return response

    async def enable_version(self, request: Message, _: Caller) -> Message:
        """Make a version usable again."""
        return self._vault.set_state(request.name, VersionState.ENABLED)

    async def disable_version(self, request: Message, _: Caller) -> Message:
        """Make a version unusable."""
        return self._vault.set_state(request.name, VersionState.DISABLED)

    async def destroy_version(self, request: Message, _: Caller) -> Message:
        """Remove a version's value for good."""
        return self._vault.set_state(request.name, VersionState.DESTROYED)

    async def set_policy(self, request: Message, _: Caller) -> Message:
        """Say who may do what with a secret."""
        self._vault.secret(request.resource)
        return self._policies.set(request.resource, request.policy)

    async def get_policy(self, request: Message, _: Caller) -> Message:
        """Return who may do what with a secret."""
        self._vault.secret(request.resource)
        return self._policies.get(request.resource)

    async def test_permissions(self, request: Message, caller: Caller) -> Message:
        """Return which of these permissions the caller has."""
        return self._policies.test(caller, request)
