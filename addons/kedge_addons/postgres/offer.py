"""The plans of heroku-postgresql: Heroku's names and connection limits. All limits are enforced.

https://devcenter.heroku.com/articles/heroku-postgres-plans
"""

from __future__ import annotations

from kedge_addons.offer import Offer, Plan


def _plan(
    name: str, human_name: str, connections: int, memory_mb: int, disk_gb: int, *,
    backups: int = 25, backup_days: int = 7, is_default: bool = False,
) -> Plan:  # fmt: skip
    return Plan(
        name=name,
        human_name=human_name,
        description=f"{disk_gb} GB, {connections} connections",
        limits={
            "connections": connections,
            "memory_mb": memory_mb,
            "disk_mb": disk_gb * 1024,
            "backups": backups,
            "backup_days": backup_days,
        },
        attributes={
            "Connections": str(connections),
            "Memory": f"{memory_mb} MB",
            "Disk": f"{disk_gb} GB",
            "Backups": f"daily for {backup_days} days, {backups} by hand",
            "Version": "17",
        },
        is_default=is_default,
    )


OFFER = Offer(
    name="heroku-postgresql",
    human_name="Postgres",
    description="A PostgreSQL server of the app's own. Backups are proved by restoring them.",
    icon="database",
    config_vars=["HEROKU_POSTGRESQL_URL"],
    prefix="HEROKU_POSTGRESQL",
    primary="DATABASE",
    capabilities=("restore", "credentials", "backups", "slow_queries", "fork", "copy", "reset"),
    plans=[
        _plan("essential-0", "Essential 0", 20, 256, 1, is_default=True),
        _plan("essential-1", "Essential 1", 20, 512, 10),
        _plan("essential-2", "Essential 2", 40, 1024, 32),
        _plan("standard-0", "Standard 0", 120, 2048, 64, backups=50, backup_days=14),
        _plan("standard-2", "Standard 2", 400, 4096, 256, backups=50, backup_days=14),
    ],
    hooks="kedge_addons.postgres.service:Postgres",
)
