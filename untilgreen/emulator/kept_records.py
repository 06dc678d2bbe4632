"""Revisions as they outlive the emulator."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from typing import Any

import grpc

from untilgreen.emulator.conditions import RevisionFailed


@dataclass(frozen=True)
class KeptRecord:
    """What has to be kept of a revision.

    Args:
        message: serialized, as the API shows it.
        template: what it was made of, serialized.
        failure: why it is not ready; None while it may yet be.
    """

    message: bytes
    template: bytes
    failure: RevisionFailed | None

    def to_bytes(self) -> bytes:
        """Return it as JSON."""
        failure = asdict(_Failure.of(self.failure)) if self.failure else None
        return json.dumps(
            {"message": _text(self.message), "template": _text(self.template), "failure": failure}
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> KeptRecord:
        """Return what `to_bytes` was called on."""
        fields: dict[str, Any] = json.loads(data)
        failure = _Failure(**fields["failure"]).whole() if fields["failure"] else None
        return cls(base64.b64decode(fields["message"]), base64.b64decode(fields["template"]), failure)


@dataclass(frozen=True)
class _Failure:
    message: str
    condition: str
    reason: int
    revision_reason: int
    code: str

    @classmethod
    def of(cls, failure: RevisionFailed) -> _Failure:
        reasons = int(failure.reason), int(failure.revision_reason)
        return cls(failure.message, failure.condition, *reasons, failure.code.name)

    def whole(self) -> RevisionFailed:
        code = grpc.StatusCode[self.code]
        return RevisionFailed(self.message, self.condition, self.reason, self.revision_reason, code)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
