"""Settings: what the product's features are worth."""

from __future__ import annotations

from pydantic import Field

from untilgreen.settings.part import Part


class FeatureValue(Part):
    """A feature, the tests that show that it works, and its money."""

    per_month: float = Field(ge=0, allow_inf_nan=False)
    """Money that depends on it, a month."""
    tests: tuple[str, ...] = ()
    """Node id patterns such as `e2e/test_checkout.py::*`. Empty takes those of the same name in `suite.features`."""
    minimum: int = Field(default=1, ge=1)
    """So many tests are expected. The money of those that are missing is unobserved, never credited."""


class ValueSettings(Part):
    """The value ledger: money is credited only from tests that are proven to pass."""

    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    """ISO 4217: three letters."""
    features: dict[str, FeatureValue] = {}
    """Name -> its tests and its money. Without any, no report speaks of money."""
