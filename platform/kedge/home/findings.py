"""What `kedge doctor` finds, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `remedy` is what to do when it is not `ok`, else empty."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def finding(name: str, good: bool, detail: str, remedy: str) -> Finding:
    """A finding whose remedy counts only when something is wrong."""
    return Finding(name, ok=good, detail=detail, remedy="" if good else remedy)
