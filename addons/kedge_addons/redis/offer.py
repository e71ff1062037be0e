"""The plans of heroku-redis. `memory_mb` is what may be kept in it (Redis' own `maxmemory`).

https://devcenter.heroku.com/articles/heroku-redis
"""

from __future__ import annotations

from kedge_addons.offer import Offer, Plan


def _plan(
    name: str, human_name: str, memory_mb: int, connections: int, *,
    persists: bool, is_default: bool = False,
) -> Plan:  # fmt: skip
    kept = "kept on disk" if persists else "in memory alone"
    return Plan(
        name=name,
        human_name=human_name,
        description=f"{memory_mb} MB, {connections} connections, {kept}",
        limits={"memory_mb": memory_mb, "connections": connections, "persists": int(persists)},
        attributes={
            "Memory": f"{memory_mb} MB",
            "Connections": str(connections),
            "Persistence": "append-only file, written every second" if persists else "none",
        },
        is_default=is_default,
    )


OFFER = Offer(
    name="heroku-redis",
    human_name="Redis",
    description="A Redis server of the app's own: cache, queue, sessions.",
    icon="lightning-charge",
    config_vars=["REDIS_URL", "REDIS_TLS_URL"],
    prefix="REDIS",
    primary="REDIS",
    capabilities=("restore", "credentials", "maxmemory_policy"),
    plans=[
        _plan("mini", "Mini", 25, 20, persists=False, is_default=True),
        _plan("premium-0", "Premium 0", 50, 40, persists=True),
        _plan("premium-1", "Premium 1", 100, 80, persists=True),
        _plan("premium-2", "Premium 2", 250, 200, persists=True),
        _plan("premium-3", "Premium 3", 500, 400, persists=True),
    ],
    hooks="kedge_addons.redis.service:Redis",
)
