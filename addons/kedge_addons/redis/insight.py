"""What a Redis server tells of itself, as health and usage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kedge_addons.offer import Plan
from kedge_addons.redis.server import OWN_CONNECTIONS

NEARLY = 0.9


def read(info: Mapping[str, str], plan: Plan) -> tuple[dict[str, Any], dict[str, Any], str]:
    """(health, usage, version), out of `INFO`."""
    hits, misses = int(info["keyspace_hits"]), int(info["keyspace_misses"])
    usage = {
        "size_bytes": int(info["used_memory"]),
        "size_limit_bytes": int(info["maxmemory"]),
        "memory_bytes": int(info["used_memory"]),
        "memory_limit_bytes": int(info["maxmemory"]),
        "hit_rate": round(hits / (hits + misses), 4) if hits + misses else None,
        # The one that asks is not an app's.
        "connections": int(info["connected_clients"]) - 1,
        "connection_limit": int(info["maxclients"]) - OWN_CONNECTIONS,
        "keys": _keys(info),
    }
    health = {
        "evicted_keys": int(info["evicted_keys"]),
        "policy": info["maxmemory_policy"],
        "persists": bool(plan.limits["persists"]),
        "last_write_failed": info.get("aof_last_write_status", "ok") != "ok",
        "uptime_seconds": int(info["uptime_in_seconds"]),
        "commands_per_second": int(info["instantaneous_ops_per_sec"]),
        "problems": _problems(info, usage),
    }
    return health, usage, info["redis_version"]


def _keys(info: Mapping[str, str]) -> int:
    databases = [value for name, value in info.items() if name[:2] == "db" and name[2:].isdigit()]
    return sum(int(value.partition("keys=")[2].partition(",")[0]) for value in databases)


def _problems(info: Mapping[str, str], usage: Mapping[str, Any]) -> list[str]:
    found = []
    is_full = usage["size_bytes"] > NEARLY * usage["size_limit_bytes"]
    if is_full and info["maxmemory_policy"] == "noeviction":
        found.append("The memory of the plan is nearly full, and nothing is evicted.")
    if usage["connections"] >= usage["connection_limit"]:
        found.append("All connections of the plan are in use.")
    if info.get("aof_last_write_status", "ok") != "ok":
        found.append("What is kept on disk could not be written.")
    return found
