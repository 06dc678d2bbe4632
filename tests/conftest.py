"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untilgreen", deadline=None)  # a busy machine is no defect
settings.load_profile("untilgreen")
