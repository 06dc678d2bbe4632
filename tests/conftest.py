"""What all tests share."""

from __future__ import annotations

import signal

from hypothesis import settings

# A shell starts what runs in the background with Ctrl-C ignored, and so would every process that a test interrupts be.
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("untilgreen", deadline=None)  # a busy machine is no defect
settings.load_profile("untilgreen")
