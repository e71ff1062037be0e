"""The settings of a Redis server that people may change, as Heroku has them.

https://devcenter.heroku.com/articles/managing-heroku-redis-using-cli
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kedge_addons.errors import Refused
from kedge_addons.resource import Resource

POLICIES = (
    "noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random",
    "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
)  # fmt: skip
# What each is called in Redis' own configuration.
DIRECTIVES = {
    "maxmemory_policy": "maxmemory-policy",
    "timeout": "timeout",
    "notify_keyspace_events": "notify-keyspace-events",
}
DEFAULTS: dict[str, Any] = {
    "maxmemory_policy": "noeviction",
    "timeout": 300,  # idle connections are closed after so many seconds; 0: never
    "notify_keyspace_events": "",
}
LONGEST_SECONDS = 7 * 24 * 3600
EVENTS = re.compile(r"[KEg$lshzxetdmnoA]{0,20}")


def of(resource: Resource) -> dict[str, Any]:
    """The settings of a resource."""
    return DEFAULTS | dict(resource.options) | dict(resource.facts.get("tuning") or {})


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they came, checked. Raises Refused."""
    found = {str(name).replace("-", "_"): value for name, value in given.items()}
    for name, value in found.items():
        if name not in DEFAULTS:
            raise Refused(f"Redis has no option called {name[:60]}.")
        _CHECKS[name](value)
    if isinstance(found.get("timeout"), str):
        found["timeout"] = int(found["timeout"])
    return found


def _policy(value: object) -> None:
    if value not in POLICIES:
        raise Refused(f"maxmemory_policy must be one of {', '.join(POLICIES)}.")


def _timeout(value: object) -> None:
    is_number = not isinstance(value, bool) and str(value).isdecimal() and len(str(value)) < 10
    if not is_number or int(str(value)) > LONGEST_SECONDS:
        raise Refused("timeout must be a number of seconds, a week at the most; 0 is never.")


def _events(value: object) -> None:
    if not isinstance(value, str) or not EVENTS.fullmatch(value):
        raise Refused("notify_keyspace_events must be letters of Redis' own, such as KEA.")


_CHECKS = {"maxmemory_policy": _policy, "timeout": _timeout, "notify_keyspace_events": _events}
