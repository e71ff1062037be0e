"""The plans of objectstore: how much is in it, and how many connections it has."""

from __future__ import annotations

from kedge_addons.offer import Offer, Plan


def _plan(
    name: str, human_name: str, disk_gb: int, connections: int, memory_mb: int,
    *, is_default: bool = False,
) -> Plan:  # fmt: skip
    return Plan(
        name=name,
        human_name=human_name,
        description=f"{disk_gb} GB, {connections} connections",
        limits={
            "disk_mb": disk_gb * 1024, "connections": connections, "memory_mb": memory_mb,
        },
        attributes={
            "Storage": f"{disk_gb} GB",
            "Connections": str(connections),
            "API": "S3, path style, signature version 4",
        },
        is_default=is_default,
    )  # fmt: skip


OFFER = Offer(
    name="objectstore",
    human_name="Object store",
    description="A bucket for files, by the S3 API, on this server.",
    icon="bucket",
    config_vars=[
        "S3_ENDPOINT_URL", "S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "S3_REGION",
    ],
    prefix="S3",
    primary="S3",
    capabilities=("restore", "credentials"),
    plans=[
        _plan("mini", "Mini", 1, 50, 320, is_default=True),
        _plan("standard", "Standard", 10, 100, 512),
        _plan("large", "Large", 100, 200, 1024),
    ],
    hooks="kedge_addons.objectstore.service:ObjectStore",
)  # fmt: skip
