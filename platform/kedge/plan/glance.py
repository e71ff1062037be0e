"""An app's state in one word, from what is wanted of it and what runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kedge.model.dyno import State


class Standing(StrEnum):
    """How an app stands, as its readers care: what is wrong or under way before what is well."""

    DELETING = "deleting"
    BUILDING = "building"
    DEPLOYING = "deploying"
    CRASHED = "crashed"
    MAINTENANCE = "maintenance"
    EMPTY = "empty"
    ASLEEP = "asleep"
    STARTING = "starting"
    ANSWERING = "answering"
    RUNNING = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known of an app. `quantities` by process type, `dynos` by (type, state)."""

    has_code: bool
    is_being_deleted: bool = False
    is_in_maintenance: bool = False
    is_building: bool = False
    is_releasing: bool = False
    quantities: Mapping[str, int] = field(default_factory=dict)
    dynos: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def number(self, state: State, type_: str | None = None) -> int:
        """How many dynos are in a state, of one process type or of all."""
        return sum(n for (t, s), n in self.dynos.items() if s == state and type_ in (None, t))


def standing(look: Look) -> Standing:
    """The app in one word."""
    if look.is_being_deleted:
        return Standing.DELETING
    if look.is_releasing:
        return Standing.DEPLOYING
    if look.is_building:
        return Standing.BUILDING
    if look.has_code and look.number(State.CRASHED):
        return Standing.CRASHED
    if look.is_in_maintenance:
        return Standing.MAINTENANCE
    if not look.has_code:
        return Standing.EMPTY
    return _running(look)


def _running(look: Look) -> Standing:
    if not any(look.quantities.values()):
        return Standing.ASLEEP
    if look.quantities.get("web"):
        return Standing.ANSWERING if look.number(State.UP, "web") else Standing.STARTING
    return Standing.RUNNING if look.number(State.UP) else Standing.STARTING
