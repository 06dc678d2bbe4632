"""How each type of claim is judged: one visible table."""

from __future__ import annotations

from types import MappingProxyType

from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Truth
from untilgreen.model.claims import Claim, Unknown
from untilgreen.review.claims import (
    cloud,
    code,
    configuration,
    contracts,
    mismatch,
    outcomes,
    resources,
    templates,
    traffic,
)
from untilgreen.review.judgement import Check, Judgement, weigh

CHECKS: MappingProxyType[str, Check] = MappingProxyType(
    {
        "error_raised": cloud.ERROR_RAISED,
        "http_failure": traffic.HTTP_FAILURE,
        "socket_closed": traffic.SOCKET_CLOSED,
        "endpoint_missing": traffic.ENDPOINT_MISSING,
        "auth_rejected": traffic.AUTH_REJECTED,
        "service_down": traffic.SERVICE_DOWN,
        "startup_failed": cloud.STARTUP_FAILED,
        "resource_exhausted": resources.RESOURCE_EXHAUSTED,
        "secret_missing": configuration.SECRET_MISSING,
        "config_mismatch": mismatch.CONFIG_MISMATCH,
        "dependency_unreachable": traffic.DEPENDENCY_UNREACHABLE,
        "timed_out": traffic.TIMED_OUT,
        "contract_broken": contracts.CONTRACT_BROKEN,
        "front_refused": contracts.FRONT_REFUSED,
        "setting_changed": templates.SETTING_CHANGED,
        "secret_apart": templates.SECRET_APART,
        "flaky": outcomes.FLAKY,
        "regressed_by": code.REGRESSED_BY,
        "code_defect": code.CODE_DEFECT,
        "file_excluded": configuration.FILE_EXCLUDED,
        "test_defect": outcomes.TEST_DEFECT,
        "unknown": outcomes.UNKNOWN,
    }
)
"""Claim type -> its queries. A type that is not here cannot be judged, and a test says that none is missing."""


def judge(claim: Claim, bundle: Bundle) -> Judgement:
    """Say what the evidence says of a claim. What its author cited plays no part in that."""
    if isinstance(claim, Unknown):
        return Judgement(Truth.UNPROVEN, (), (), "the evidence ends here; that would decide it")
    return weigh(CHECKS[claim.type], claim, bundle)
