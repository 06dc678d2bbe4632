"""What every part of the settings shares."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from untilgreen.model.document import Document

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,48}$")]
"""Cloud Run's own rule for service names, a little shorter to leave room for revision suffixes."""


class Part(Document):
    """A part of the settings: the text under each one is its description in the reference and in editors."""

    model_config = ConfigDict(use_attribute_docstrings=True)
