"""What `kedge doctor` finds, as data."""

from __future__ import annotations

from kedge.engine.protocols.machine import Finding

__all__ = ["Finding", "finding"]


def finding(name: str, good: bool, detail: str, remedy: str) -> Finding:
    """A finding whose remedy counts only when something is wrong."""
    return Finding(name, ok=good, detail=detail, remedy="" if good else remedy)
