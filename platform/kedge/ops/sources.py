"""Sources: what a build is made from, uploaded by git or by the API."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO

from kedge.model.build import Build, Source
from kedge.ops.services import Services

MEGABYTE = 1024 * 1024


def create(services: Services, app_id: uuid.UUID | None = None) -> Source:
    """A source with nothing in it yet."""
    with services.database.transaction() as tx:
        source = Source(id=uuid.uuid4(), app_id=app_id)
        tx.add(source)
        tx.flush()
        tx.refresh(source)
        return source


def keep(services: Services, app_id: uuid.UUID, write: Callable[[IO[bytes]], None]) -> uuid.UUID:
    """A source of what `write` writes; its id."""
    source = create(services, app_id)
    with tempfile.TemporaryFile(dir=services.sources.folder) as file:
        write(file)
        file.seek(0)
        limit_bytes = services.settings.source_limit_mb * MEGABYTE
        services.sources.write(source.id, file, limit_bytes)
    mark_uploaded(services, source.id)
    return source.id


def mark_uploaded(services: Services, source_id: uuid.UUID) -> None:
    """Note that a source's archive is there."""
    with services.database.transaction() as tx:
        tx.get_one(Source, source_id).uploaded_at = services.now()


def obtain(services: Services, build: Build) -> Path:
    """The checked, plain tar a build is made from; fetched first when it lies elsewhere.

    Raises:
        BuildFailed: it cannot be had, is not an archive, or holds what an archive may not.
        VerificationFailed: it is not what the checksum says.
    """
    limit_bytes = services.settings.source_limit_mb * MEGABYTE
    raw_id = build.source_id or build.id
    if build.source_id is None:
        services.sources.fetch(raw_id, build.source_url or "", limit_bytes)
    return services.sources.checked(raw_id, build.id, build.source_checksum, limit_bytes)
