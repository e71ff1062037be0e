"""Ids as people and clients write them."""

from __future__ import annotations

import uuid


def as_uuid(text: str) -> uuid.UUID | None:
    """The id a text is, None when it is none (a name, a number, anything else)."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
