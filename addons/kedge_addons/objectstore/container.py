"""The container of a store: both servers, what keeps them, and the plan's limits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib import resources as packaged
from typing import Any

from kedge_addons.instance import DATA, Instance
from kedge_addons.offer import Plan
from kedge_addons.resource import Resource

PORT = 9000
PACKAGE = "kedge_addons/objectstore/inside"
PROGRAMS = ("__init__.py", "asked.py", "keeper.py", "store.py")
KEEPER = "kedge_addons.objectstore.inside.keeper"
FOLDER = f"{DATA}/programs"  # what is below it is written anew at each start
# Digests are reckoned while an object is uploaded, and remembered: they are its ETag.
RCLONE = """[files]
type = local
[objects]
type = hasher
remote = files:/data/objects
hashes = md5
max_age = off
"""


def bucket(resource: Resource) -> str:
    """The name of a resource's bucket: 3 to 63 characters."""
    return resource.name[:63].rstrip("-")


def instance(resource: Resource, plan: Plan) -> Instance:
    """The server of a resource on a plan."""
    here = packaged.files("kedge_addons.objectstore")
    programs = {
        f"programs/{PACKAGE}/{name}": (here / "inside" / name).read_bytes() for name in PROGRAMS
    }
    haproxy = (here / "haproxy.cfg").read_text().replace("$PORT", str(PORT))
    haproxy = haproxy.replace("$CONNECTIONS", str(plan.limits["connections"]))
    begin = f"mkdir -p {DATA}/objects/{bucket(resource)}; exec python3 -P -m {KEEPER}"
    return Instance(
        resource_id=resource.id,
        service=resource.service,
        alias=resource.name,
        command=["bash", "-c", begin],
        ports=[PORT],
        memory_mb=plan.limits["memory_mb"],
        environment={
            "PYTHONPATH": FOLDER,
            "PYTHONDONTWRITEBYTECODE": "1",
            "STORE_FOLDER": DATA,
            "STORE_BYTES": str(plan.limits["disk_mb"] * 2**20),
            "GOMEMLIMIT": f"{plan.limits['memory_mb'] * 5 // 8}MiB",
        },
        files={
            **programs,
            "haproxy.cfg": haproxy.encode(),
            "rclone.conf": RCLONE.encode(),
            "keys.json": json.dumps(keys(resource)).encode(),
        },
    )


def keys(resource: Resource) -> list[dict[str, Any]]:
    """Who is let in: the key of now, and those that are good for a while yet."""
    secret, now = resource.secrets, datetime.now(UTC).timestamp()
    ending = [each for each in secret.get("ending") or [] if each["until"] > now]
    return [{"id": secret["key"], "secret": secret["secret"], "until": None}, *ending]
