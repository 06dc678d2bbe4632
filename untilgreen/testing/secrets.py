"""An in-memory Secret Manager for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from untilgreen.deploy.secrets_content import problems
from untilgreen.model.secrets import SecretBinding, SecretCheck, SecretFinding, SecretProblem, SecretStatus
from untilgreen.redaction import Redactor, needles

_UNSEEN = {SecretProblem.UNCONFIRMED: SecretCheck.ACCESS, SecretProblem.VALUE_NOT_READ: SecretCheck.CONTENT}


class FakeSecrets:
    """Secret Manager in memory.

    Args:
        problems: secret name -> what is wrong with it; all others are usable.
        values: secret name, or `name:version` -> its value, as if the deployer may read it.
        labels: secret name -> its labels.
        shortest: characters below which a value is too short.
    """

    def __init__(
        self,
        problems: Mapping[str, SecretProblem] | None = None,
        values: Mapping[str, str] | None = None,
        labels: Mapping[str, Mapping[str, str]] | None = None,
        shortest: int = 8,
    ) -> None:
        self.problems = dict(problems or {})
        self.labels = {name: dict(own) for name, own in (labels or {}).items()}
        self._values = dict(values or {})
        self._shortest = shortest

    def check(self, service: str, binding: SecretBinding, account: str) -> SecretStatus:
        """Return what was scripted, and what the value shows."""
        scripted = self.problems.get(binding.secret)
        value = self._value(binding)
        found = [scripted] if scripted else []
        found += problems(value.encode(), self._shortest) if value is not None else []
        findings = [SecretFinding(problem=p, message=f"Secret {binding.secret} is {p}.") for p in found]
        looked = (SecretCheck.EXISTS, SecretCheck.VERSION, SecretCheck.ACCESS, SecretCheck.CONTENT)
        unchecked = tuple(_UNSEEN[p] for p in found if p in _UNSEEN)
        return SecretStatus(
            service=service,
            binding=binding,
            account=account,
            problem=findings[0].problem if findings else None,
            message=findings[0].message if findings else "",
            further=tuple(findings[1:]),
            checks=tuple(check for check in looked if check not in unchecked),
            unchecked=unchecked,
            version=self._number(binding),
            labels=self.labels.get(binding.secret, {}),
        )

    def alike(self, bindings: Sequence[SecretBinding]) -> bool | None:
        """Compare the values, if all of them may be read."""
        values = [self._value(binding) for binding in bindings]
        return None if None in values else len(set(values)) == 1

    def redaction(self, bindings: Sequence[SecretBinding]) -> Redactor:
        """Mask the values that may be read."""
        known = {binding.secret: self._value(binding) for binding in bindings}
        return Redactor(needles(name, value.encode()) for name, value in known.items() if value is not None)

    def _value(self, binding: SecretBinding) -> str | None:
        if self.problems.get(binding.secret) is SecretProblem.VALUE_NOT_READ:
            return None
        one = self._values.get(f"{binding.secret}:{self._number(binding)}")
        return self._values.get(binding.secret) if one is None else one

    @staticmethod
    def _number(binding: SecretBinding) -> str:
        """Return the version's number; `latest` is the first one here."""
        return "1" if binding.version == "latest" else binding.version
