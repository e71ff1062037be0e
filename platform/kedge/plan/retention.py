"""What of the past may go: slugs no release needs, images nobody starts, rows nobody reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

# An orphan this young may belong to a build that has not written its release yet.
GRACE = timedelta(hours=1)
ENDED_DYNOS = timedelta(days=1)
UNBUILT_SOURCES = timedelta(days=1)
# Slugs somebody announced and never uploaded.
ANNOUNCED_SLUGS = timedelta(days=1)


def unneeded_layers(kept: Mapping[str, float], needed: Collection[str], now: datetime) -> list[str]:
    """Layers (digest → last written, unix seconds) that no slug of any app needs."""
    young = (now - GRACE).timestamp()
    return [digest for digest, written in kept.items() if digest not in needed and written < young]


def unneeded_images(prepared: Collection[str], recent: Collection[str]) -> list[str]:
    """Slugs that are unpacked for the runtime but are not among those likely to start again.

    They can be made again from the slug store at any time.
    """
    return sorted(set(prepared) - set(recent))
