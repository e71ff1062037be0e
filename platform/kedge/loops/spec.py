"""What the runtime is asked to run for a dyno: its size, slug, command and environment."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from kedge.engine.protocols import ContainerSpec
from kedge.model.dyno import Dyno
from kedge.model.formation import SIZES
from kedge.ops import dynos, snapshots
from kedge.ops.services import Services

PORTS_FROM, PORTS = 20_000, 30_000


def spec_of(services: Services, dyno: Dyno) -> ContainerSpec:
    """All the runtime needs to know of a dyno."""
    size = SIZES[dyno.size]
    slug = dyno.release.slug
    return ContainerSpec(
        dyno_id=dyno.id,
        app_id=dyno.app_id,
        app_name=dyno.app.name,
        kind=dyno.kind,  # type: ignore[arg-type]  # the column holds one of the three
        name=dyno.name,
        release_version=dyno.release.version,
        slug=slug.image if slug else None,
        command=dyno.command,
        env=_env(services, dyno),
        memory_mb=size.memory_mb,
        cpu_shares=size.cpu_shares,
        cpus=size.cpus,
        pids=size.pids,
        tty=bool(dyno.attach and dyno.attach.get("tty")),
        stdin=bool(dyno.attach),
        keep_logs=not dyno.attach,
    )


def port_of(dyno_id: uuid.UUID) -> int:
    """The port a dyno is told to bind: another one each time, as on Heroku, so none is assumed."""
    return PORTS_FROM + dyno_id.int % PORTS


def _env(services: Services, dyno: Dyno) -> Mapping[str, str]:
    """Config vars, the dyno's own, and what the platform says of it (that wins)."""
    release = dyno.release
    own: dict[str, str] = {}
    if dyno.sealed_env:
        own = json.loads(services.vault.open(dyno.sealed_env, dynos.env_context(dyno.id)))
    slug = release.slug
    return {
        **snapshots.unseal(services, release.config),
        "HEROKU_APP_ID": str(dyno.app_id),
        "HEROKU_APP_NAME": dyno.app.name,
        "HEROKU_RELEASE_VERSION": f"v{release.version}",
        "HEROKU_RELEASE_CREATED_AT": release.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "HEROKU_SLUG_COMMIT": (slug.commit if slug else None) or "",
        "HEROKU_SLUG_DESCRIPTION": f"Deploy {(slug.commit or '')[:8]}" if slug else "",
        **own,
        "PORT": str(port_of(dyno.id)),
        "DYNO": dyno.name,
        # What buildpacks size worker processes by; the container's limit is twice the quota.
        "DYNO_MEMORY_MB": str(SIZES[dyno.size].memory_mb),
    }
