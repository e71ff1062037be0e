"""A slug: the built code of an app, as layers kept by their digest."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kedge.engine.protocols import Layer, SlugImage
from kedge.model.tables import AppId, Changed, Id, Json, Moment, Row


class Slug(Row):
    """A slug. `digest` is the sha256 over its layers' digests.

    One that somebody is to upload has no layers until then, and no digest. `checksum` is of what
    is uploaded, `SHA256:` and hex; what a build made has none.
    """

    __tablename__ = "slugs"

    id: Mapped[Id]
    app_id: Mapped[AppId]
    digest: Mapped[str] = mapped_column(String(64), index=True)
    layers: Mapped[list[Any]]
    process_types: Mapped[Json]
    commit: Mapped[str | None] = mapped_column(Text)
    commit_description: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(String(200))
    buildpacks: Mapped[list[Any]] = mapped_column(default=list)
    checksum: Mapped[str | None] = mapped_column(String(80))
    stack: Mapped[str] = mapped_column(String(60))
    stored_bytes: Mapped[int]
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]

    @property
    def is_there(self) -> bool:
        """Whether it was built or uploaded, and not only announced."""
        return bool(self.layers)

    @property
    def image(self) -> SlugImage:
        """What the runtime needs to start it."""
        return SlugImage(self.digest, tuple(Layer(**layer) for layer in self.layers))
