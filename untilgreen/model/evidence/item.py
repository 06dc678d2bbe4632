"""What all evidence shares: a time, a text that may be quoted, an id made from the content."""

from __future__ import annotations

from functools import cached_property

from untilgreen.model.document import Document, Instant, content_id


class Item(Document):
    """What all evidence shares."""

    at: Instant | None = None
    """When it happened; None for things without a time, such as source lines."""

    @property
    def text(self) -> str:
        """Return what may be quoted."""
        raise NotImplementedError

    @cached_property
    def id(self) -> str:
        """Return the content address, for example `entry-1f0c8a9b2d3e`."""
        return content_id(kind_of(type(self)), self.model_dump_json())


def kind_of(evidence: type[Item]) -> str:
    """Return the word that names a sort of evidence in ids, files and coverage."""
    kind: str = evidence.model_fields["kind"].default
    return kind
