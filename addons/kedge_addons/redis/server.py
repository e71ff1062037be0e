"""The server of a heroku-redis add-on: its configuration by its plan, and its container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kedge_addons import boot
from kedge_addons.instance import Instance
from kedge_addons.offer import Plan
from kedge_addons.redis import tuning, users
from kedge_addons.resource import Resource

PORT, TLS_PORT = 6379, 6380
SOCKET = "/run/redis.sock"
# Beside the plan's connections: what the provider asks.
OWN_CONNECTIONS = 2
# Beside what is kept: fragmentation, buffers of clients, pages copied while the file is rewritten.
OVERHEAD, OVERHEAD_MB = 1.5, 64


def instance(resource: Resource, plan: Plan) -> Instance:
    """The server of a resource on a plan."""
    return Instance(
        resource_id=resource.id,
        service=resource.service,
        alias=resource.name,
        command=boot.command(__package__),
        ports=[PORT, TLS_PORT],
        memory_mb=int(plan.limits["memory_mb"] * OVERHEAD) + OVERHEAD_MB,
        environment={"NAME": resource.name[:64], "PLAN": plan.name},
        files={
            "redis.conf": configuration(plan, tuning.of(resource)).encode(),
            "users.acl": users.acl_file(resource.secrets).encode(),
        },
    )


def configuration(plan: Plan, tuned: Mapping[str, Any]) -> str:
    """The server's configuration (https://redis.io/docs/latest/operate/oss_and_stack/)."""
    values = {
        "bind": "*",
        "protected-mode": "no",  # everybody has to sign in: users.acl
        "port": PORT,
        "tls-port": TLS_PORT,
        "tls-cert-file": "/data/server.crt",
        "tls-key-file": "/data/server.key",
        "tls-auth-clients": "no",
        "unixsocket": SOCKET,
        "unixsocketperm": "700",
        "aclfile": "/data/users.acl",
        "dir": "/data/store",
        "maxmemory": f"{plan.limits['memory_mb']}mb",
        "maxclients": plan.limits["connections"] + OWN_CONNECTIONS,
        "appendonly": "yes" if plan.limits["persists"] else "no",
        "appendfsync": "everysec",
        "save": '""',
        "tcp-keepalive": "60",
        "enable-debug-command": "no",
        "enable-module-command": "no",
        **{
            tuning.DIRECTIVES[name]: value if value != "" else '""' for name, value in tuned.items()
        },
    }
    return "".join(f"{name} {value}\n" for name, value in values.items())
