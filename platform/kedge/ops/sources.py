"""Sources: what a build is made from, uploaded by git or by the API."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from kedge.errors import Conflict, NotFound, TooLarge
from kedge.model.build import Build, Source
from kedge.ops.services import Services


def create(services: Services, app_id: uuid.UUID | None = None) -> Source:
    """A source with nothing in it yet."""
    with services.database.transaction() as tx:
        source = Source(id=uuid.uuid4(), app_id=app_id)
        tx.add(source)
        tx.flush()
        tx.refresh(source)
        return source


def keep(services: Services, app_id: uuid.UUID, write: Callable[[BinaryIO], None]) -> uuid.UUID:
    """A source of what `write` writes; its id."""
    source = create(services, app_id)
    with tempfile.TemporaryFile(dir=services.settings.home) as file:
        write(file)
        file.seek(0)
        services.sources.write(source.id, file)
    mark_uploaded(services, source.id)
    return source.id


def upload(
    services: Services, source_id: uuid.UUID, stream: BinaryIO, declared_bytes: int | None
) -> int:
    """Keep what a stream brings as the archive of a source, once; its size in bytes.

    Raises:
        NotFound: there is no such source.
        Conflict: it was uploaded already.
        TooLarge: over the limit, by what is declared or by what comes.
    """
    with services.database.transaction() as tx:
        source = tx.get(Source, source_id)
    if source is None:
        raise NotFound.of("source")
    if source.uploaded_at:
        raise Conflict("That source was uploaded already: ask for a new one.", resource="source")
    limit_mb = services.settings.source_limit_mb
    if declared_bytes is not None and declared_bytes > limit_mb * 1024 * 1024:
        raise TooLarge(f"A source may have up to {limit_mb} MB. Leave out what no build needs.")
    size_bytes = services.sources.write(source_id, stream, limit_mb * 1024 * 1024)
    mark_uploaded(services, source_id)
    return size_bytes


def path_of(services: Services, source_id: uuid.UUID) -> Path:
    """Where the archive of a source lies. Raises NotFound: no such source, or nothing in it."""
    if not is_uploaded(services, source_id):
        raise NotFound.of("source")
    return services.sources.path(source_id)


def is_uploaded(services: Services, source_id: uuid.UUID) -> bool:
    """Whether there is such a source with an archive in it."""
    with services.database.transaction() as tx:
        source = tx.get(Source, source_id)
    return source is not None and source.uploaded_at is not None


def mark_uploaded(services: Services, source_id: uuid.UUID) -> None:
    """Note that a source's archive is there."""
    with services.database.transaction() as tx:
        tx.get_one(Source, source_id).uploaded_at = services.now()


def awaited(tx: Session) -> set[uuid.UUID]:
    """Ids of sources that builds which have not ended are made from, or no build was so far."""
    pending = select(func.coalesce(Build.source_id, Build.id)).where(Build.status == "pending")
    return {*tx.scalars(pending), *tx.scalars(never_built())}


def never_built() -> Select[uuid.UUID]:
    """Ids of sources no build was made from."""
    return select(Source.id).where(~exists().where(Build.source_id == Source.id))


def obtain(services: Services, build: Build) -> Path:
    """The checked, plain tar a build is made from; fetched first when it lies elsewhere.

    Raises:
        BuildFailed: it cannot be had, is not an archive, or holds what an archive may not.
        VerificationFailed: it is not what the checksum says.
    """
    source_id = build.source_id or build.id
    return services.sources.obtain(source_id, build.source_url, build.source_checksum)
