"""Signs what an approver says with a key of theirs; an approver without a key says it unsigned."""

from __future__ import annotations

import re
from pathlib import Path

from untilgreen.adapters.prefect_server import home
from untilgreen.adapters.signing_keys import sign
from untilgreen.approval.answer import Answer, signed_text
from untilgreen.approval.request import ApprovalRequest


def key_file(approver: str) -> Path:
    """Return where somebody's key lies, unless they name another file: `keys/` in untilgreen's home."""
    return home() / "keys" / f"{re.sub(r'[^A-Za-z0-9@._-]', '_', approver.strip())}.pem"


def signed(request: ApprovalRequest, answer: Answer, key: Path | None = None) -> Answer:
    """Return an answer with its signature, when there is a key.

    Args:
        request: what is answered.
        answer: without a signature.
        key: a file that must be there; the usual one, if it is there, when None.

    Raises:
        ConfigError: the file holds no key.
    """
    file = key or key_file(answer.approver)
    if key is None and not file.exists():
        return answer
    return answer.model_copy(update={"signature": sign(file, signed_text(request, answer))})
