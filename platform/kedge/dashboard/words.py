"""How values are said: moments, sizes, counts, and states with their icon and colour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

_STEPS = ((60, 1, "second"), (3600, 60, "minute"), (86400, 3600, "hour"), (10**12, 86400, "day"))
_SIZES = ((1000, 1, "B"), (1000**2, 1000, "KB"), (1000**3, 1000**2, "MB"), (10**30, 1000**3, "GB"))


@dataclass(frozen=True, slots=True)
class Said:
    """A state in words, with an icon; `tone` colours both: good, bad, busy, calm or note."""

    word: str
    icon: str
    tone: str


STATES = {
    # Apps.
    "answering": Said("Answering", "check-circle-fill", "good"),
    "running": Said("Running", "check-circle-fill", "good"),
    "deploying": Said("Deploying", "arrow-repeat", "busy"),
    "building": Said("Building", "arrow-repeat", "busy"),
    "starting": Said("Starting", "arrow-repeat", "busy"),
    "crashed": Said("Crashed", "x-octagon-fill", "bad"),
    "maintenance": Said("Maintenance", "cone-striped", "note"),
    "asleep": Said("Asleep", "moon-fill", "calm"),
    "empty": Said("No code yet", "dash-circle-dotted", "calm"),
    "deleting": Said("Being deleted", "trash3", "calm"),
    # Dynos.
    "up": Said("Up", "check-circle-fill", "good"),
    "draining": Said("Draining", "hourglass-split", "calm"),
    "stopping": Said("Stopping", "hourglass-split", "calm"),
    # Builds and releases.
    "pending": Said("Pending", "arrow-repeat", "busy"),
    "succeeded": Said("Succeeded", "check-circle-fill", "good"),
    "failed": Said("Failed", "x-octagon-fill", "bad"),
    "expired": Said("Superseded", "skip-forward-fill", "calm"),
    "live": Said("Live", "broadcast", "good"),
    "waiting": Said("Waiting", "hourglass-split", "calm"),
    "down": Said("Down", "x-octagon-fill", "bad"),
    "unseen": Said("Not seen from here", "eye-slash", "calm"),
    # Backups.
    "queued": Said("Waiting", "hourglass-split", "calm"),
    "verifying": Said("Being proved", "arrow-repeat", "busy"),
    "verified": Said("Verified", "patch-check-fill", "good"),
    "canceled": Said("Canceled", "slash-circle", "calm"),
    # Add-ons.
    "provisioned": Said("Ready", "check-circle-fill", "good"),
    "provisioning": Said("Creating", "arrow-repeat", "busy"),
    "deprovisioning": Said("Being destroyed", "hourglass-split", "calm"),
    "deprovisioned": Said("Destroyed", "trash3", "calm"),
    "resting": Said("Resting", "hourglass-split", "calm"),
    "missing": Said("Missing", "x-octagon-fill", "bad"),
    "stopped": Said("Stopped", "stop-circle-fill", "bad"),
}


def state(name: str) -> Said:
    """How a state is said; one nobody thought of is said as it is."""
    return STATES.get(name) or Said(name.replace("_", " ").capitalize(), "question-circle", "calm")


def release_state(status: str, version: int, head: int | None) -> str:
    """What a release is to a reader: the one that runs is live."""
    return "live" if version == head and status == "succeeded" else status


def ago(then: datetime, now: datetime) -> str:
    """`just now`, `3 minutes ago`, `2 days ago`; after 30 days the date."""
    seconds = (now - then).total_seconds()
    if seconds < 5:
        return "just now"
    if seconds > 30 * 86400:
        return then.strftime("%-d %b %Y")
    _, unit, name = next(step for step in _STEPS if seconds < step[0])
    return f"{count(int(seconds // unit), name)} ago"


def size(number_of_bytes: float | None) -> str:
    """`12.3 MB`; nothing for None."""
    if number_of_bytes is None:
        return ""
    _, unit, name = next(step for step in _SIZES if number_of_bytes < step[0])
    number = number_of_bytes / unit
    return f"{number:.0f} {name}" if number >= 100 or unit == 1 else f"{number:.1f} {name}"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 dyno`, `2 dynos`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


# In this order: Edge and Opera say that they are Chrome too, and Chrome that it is Safari.
_BROWSERS = {
    "Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari",
    "curl": "curl",
}  # fmt: skip
_SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows",
    "Mac OS X": "macOS", "CrOS": "ChromeOS", "Linux": "Linux",
}  # fmt: skip


def browser(user_agent: str) -> str:
    """`Firefox on Linux`; a browser nobody thought of as it calls itself."""
    name = next((words for sign, words in _BROWSERS.items() if f"{sign}/" in user_agent), "")
    system = next((words for sign, words in _SYSTEMS.items() if sign in user_agent), "")
    if not name:
        return user_agent or "Unknown browser"
    return f"{name} on {system}" if system else name


def price(cents: int, unit: str) -> str:
    """`$5 a month`, `$0.50 an hour`; nothing costs nothing."""
    if not cents:
        return "Free"
    amount = f"{cents / 100:,.2f}".removesuffix(".00")
    return f"${amount} {'an' if unit == 'hour' else 'a'} {unit}"


def with_code(text: str) -> Markup:
    """Words in which `this` is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick without its second one
        return escape(text)
    pieces = (
        Markup("<code>{}</code>").format(p) if n % 2 else escape(p) for n, p in enumerate(parts)
    )
    return Markup("").join(pieces)
