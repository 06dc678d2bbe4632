"""What an analysis may claim of a revision: that it did not start, or what it was given."""

from __future__ import annotations

from typing import Literal

from untilgreen.model.document import Document


class StartupFailed(Document):
    """This revision never became ready."""

    type: Literal["startup_failed"] = "startup_failed"
    service: str
    revision: str

    @property
    def subject(self) -> str:
        """Return service and revision."""
        return f"{self.service} {self.revision}"


class SecretMissing(Document):
    """A secret that the service reads does not reach it."""

    type: Literal["secret_missing"] = "secret_missing"
    service: str
    env: str

    @property
    def subject(self) -> str:
        """Return service and env name."""
        return f"{self.service} {self.env}"


class ConfigMismatch(Document):
    """A setting has another value than it must have."""

    type: Literal["config_mismatch"] = "config_mismatch"
    service: str
    key: str
    expected: str
    actual: str

    @property
    def subject(self) -> str:
        """Return service and key."""
        return f"{self.service} {self.key}"


class FileExcluded(Document):
    """A file that the service needs was kept out of its image."""

    type: Literal["file_excluded"] = "file_excluded"
    service: str
    path: str
    rule_file: str
    line: int

    @property
    def subject(self) -> str:
        """Return the rule's file and the path it excludes."""
        return f"{self.rule_file} {self.path}"


class SettingChanged(Document):
    """A setting is no longer what it was in the last good revision."""

    type: Literal["setting_changed"] = "setting_changed"
    service: str
    key: str
    before: str
    """Empty when it was not set; `(not shown)` for a value that may be a credential."""
    after: str

    @property
    def subject(self) -> str:
        """Return service and key."""
        return f"{self.service} {self.key}"


class SecretApart(Document):
    """A service has another version of a secret than the services that share it."""

    type: Literal["secret_apart"] = "secret_apart"
    service: str
    env: str
    version: str
    """The one that this service is given."""

    @property
    def subject(self) -> str:
        """Return service and env name."""
        return f"{self.service} {self.env}"
