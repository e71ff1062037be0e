"""The engine's events about our dynos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from kedge.engine.docker import labels
from kedge.engine.docker.client import AWAY, Engine, translated
from kedge.engine.protocols import Happening

KINDS = ("start", "die", "oom")


def stream(engine: Engine, changed: Callable[[str], None]) -> Iterator[Happening]:
    """Events as they come, each told to `changed` first; ends when the engine goes away.

    Raises:
        RuntimeDown: the engine does not answer in the first place.
    """
    with translated("tell what happens"):
        events = engine.api.events(
            decode=True,
            filters={
                "type": ["container"],
                "event": list(KINDS),
                **labels.filters(engine.installation),
            },
        )
    try:
        for event in events:
            happening = happening_of(event)
            if happening is not None:
                changed(happening.runtime_id)
                yield happening
    except (*AWAY, ValueError):  # hung up, perhaps in the middle of an event
        return


def happening_of(event: Mapping[str, Any]) -> Happening | None:
    """An event as a value; None when it is not about a dyno."""
    attributes = event["Actor"]["Attributes"]
    if event["Action"] not in KINDS or attributes.get(labels.KIND) not in labels.DYNO_KINDS:
        return None
    return Happening(
        kind=cast("Any", event["Action"]),
        runtime_id=event["Actor"]["ID"],
        dyno_id=labels.uuid_of(attributes, labels.DYNO_ID),
    )
