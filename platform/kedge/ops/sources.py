"""Sources: what a build is made from, uploaded by git or by the API."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

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
    source_id = build.source_id or build.id
    return services.sources.obtain(source_id, build.source_url, build.source_checksum)
