"""The machine the platform runs on, as its owners look at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

PartState = Literal["up", "starting", "down", "unseen"]


@dataclass(frozen=True, slots=True)
class PartSeen:
    """One part as it is now. `unseen`: nothing here tells, because somebody else starts it.

    `detail` says in words what is wrong, or who knows; None when it is up.
    """

    name: str
    state: PartState
    since: datetime | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `remedy` is what to do when it is not `ok`, else empty."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate the router serves, the names it is for, and when it ends."""

    names: tuple[str, ...]
    issuer: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk the home lies on, and what of the home takes how many bytes, the most first."""

    total_bytes: int
    free_bytes: int
    uses: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """All that takes seconds to look at, and when that was. `versions` are by part."""

    at: datetime
    findings: tuple[Finding, ...]
    certificates: tuple[Certificate, ...]
    disk: Disk
    versions: dict[str, str]


class Machine(Protocol):
    """What can be seen of the machine from here."""

    def parts(self) -> Sequence[PartSeen]:
        """Every part as it is now; a tenth of a second at the most."""

    def survey(self) -> Survey | None:
        """The newest survey. None while the first one is under way, which this begins."""

    def look_again(self) -> None:
        """Begin another survey, unless one is under way."""

    @property
    def is_looking(self) -> bool:
        """Whether a survey is under way."""


class Nowhere:
    """No machine: for processes that are never asked about theirs."""

    is_looking = False

    def parts(self) -> Sequence[PartSeen]:
        """None."""
        return ()

    def survey(self) -> Survey | None:
        """None."""
        return None

    def look_again(self) -> None:
        """Nothing."""
