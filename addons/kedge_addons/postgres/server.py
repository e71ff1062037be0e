"""The server of a heroku-postgresql add-on: its settings by its plan, and its container."""

from __future__ import annotations

from kedge_addons import boot
from kedge_addons.instance import Instance
from kedge_addons.offer import Plan
from kedge_addons.resource import Resource

PORT = 5432
SOCKET_DIR = "/run"
# Beside the plan's connections: the superuser's own, for what the provider asks.
OWN_CONNECTIONS = 6
# Said at the end of a set-up: what boot.sh brings to the disk beside the server's start is there.
IS_ON_DISK = """
\\! timeout 40 bash -c 'until [ -e /run/synced ]; do sleep 0.01; done'
\\if :SHELL_ERROR
DO $$BEGIN RAISE 'the disk takes too long to write a new database'; END$$;
\\endif
"""


def instance(resource: Resource, plan: Plan) -> Instance:
    """The server of a resource on a plan."""
    options = [f"-c{name}={value}" for name, value in settings(plan).items()]
    return Instance(
        resource_id=resource.id,
        service=resource.service,
        alias=resource.name,
        command=boot.command(__package__, *options),
        ports=[PORT],
        memory_mb=plan.limits["memory_mb"],
        shared_memory_mb=max(64, plan.limits["memory_mb"] // 4),
        environment={"NAME": resource.name[:64]},  # as long as a certificate's name may be
        stop_signal="SIGINT",  # PostgreSQL's fast shutdown: sessions are ended, nothing is lost
    )


def settings(plan: Plan) -> dict[str, object]:
    """What the server is started with (https://www.postgresql.org/docs/17/runtime-config.html)."""
    memory_mb, disk_mb = plan.limits["memory_mb"], plan.limits["disk_mb"]
    return {
        "listen_addresses": "*",
        "port": PORT,
        "unix_socket_directories": SOCKET_DIR,
        "max_connections": plan.limits["connections"] + OWN_CONNECTIONS,
        "superuser_reserved_connections": OWN_CONNECTIONS,
        "password_encryption": "scram-sha-256",
        "ssl": "on",
        "ssl_cert_file": "/data/server.crt",
        "ssl_key_file": "/data/server.key",
        "ssl_min_protocol_version": "TLSv1.2",
        # A quarter of the memory, as the documentation advises; the rest is the kernel's cache
        # and the sessions'.
        "shared_buffers": f"{memory_mb // 4}MB",
        "effective_cache_size": f"{memory_mb * 3 // 4}MB",
        "maintenance_work_mem": f"{max(16, memory_mb // 16)}MB",
        "max_wal_size": f"{max(64, min(4096, disk_mb // 8))}MB",
        "min_wal_size": "32MB",
        "max_parallel_workers_per_gather": 0 if memory_mb < 2048 else 2,
        "jit": "off",
        "shared_preload_libraries": "pg_stat_statements",
        "pg_stat_statements.track": "all",
        "track_io_timing": "on",
        "log_timezone": "UTC",
        "timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_lock_waits": "on",
        "log_checkpoints": "off",
        "idle_in_transaction_session_timeout": "24h",
    }
