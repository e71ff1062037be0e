"""Cleans up: builds whose worker died, and what no release needs any more."""

from __future__ import annotations

import time

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kedge.engine.protocols import Runtime
from kedge.model.dyno import Dyno, State
from kedge.model.release import Release
from kedge.model.slug import Slug
from kedge.ops import build_queue, sources
from kedge.ops.services import Services
from kedge.plan import retention

log = structlog.get_logger()
SWEEP_SECONDS = 600.0
IMAGES_PER_APP = 5


class Janitor:
    """Called every few seconds; does the larger work every few minutes."""

    def __init__(self, services: Services, runtime: Runtime) -> None:
        self._services, self._runtime = services, runtime
        self._next_sweep = time.monotonic() + SWEEP_SECONDS

    def look(self) -> None:
        """End dead builds; now and then, collect garbage."""
        build_queue.reap(self._services)
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + SWEEP_SECONDS
            self.sweep()

    def sweep(self) -> None:
        """Remove what no release needs. Slugs of the history are never touched."""
        now, prepared = self._services.now(), self._runtime.prepared()
        with self._services.database.transaction() as tx:
            needed = {
                layer["digest"] for layers in tx.scalars(select(Slug.layers)) for layer in layers
            }
            recent = _likely_to_start(tx)
            awaited = sources.awaited(tx)
            old = now - retention.ENDED_DYNOS
            tx.execute(delete(Dyno).where(Dyno.state == State.ENDED, Dyno.ended_at < old))
            stale = now - retention.ANNOUNCED_SLUGS
            tx.execute(delete(Slug).where(Slug.digest == "", Slug.created_at < stale))
        for digest in retention.unneeded_layers(self._services.slugs.digests(), needed, now):
            log.info("layer.removed", digest=digest[:12])
            self._services.slugs.remove(digest)
        for digest in retention.unneeded_images(prepared, recent):
            log.info("image.removed", slug=digest[:12])
            self._runtime.forget(digest)
        for source_id, age_seconds in self._services.sources.ages().items():
            if source_id not in awaited and age_seconds > retention.GRACE.total_seconds():
                self._services.sources.remove(source_id)


def _likely_to_start(tx: Session) -> set[str]:
    """Digests of the newest few slugs of each app, and of every one that runs."""
    digests = set(tx.scalars(
        select(Slug.digest).join(Release, Release.slug_id == Slug.id)
        .join(Dyno, Dyno.release_id == Release.id).where(Dyno.state != State.ENDED)
    ))  # fmt: skip
    newest: dict[object, list[str]] = {}
    rows = tx.execute(select(Slug.app_id, Slug.digest).order_by(Slug.created_at.desc()))
    for app_id, digest in rows:
        known = newest.setdefault(app_id, [])
        if digest not in known and len(known) < IMAGES_PER_APP:
            known.append(digest)
    return digests.union(*newest.values()) if newest else digests
