"""The formation: how many dynos of which size run each process type."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kedge.errors import InvalidParams
from kedge.model.app import App
from kedge.model.tables import AppId, Changed, Id, Moment, Row

QUANTITY_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Size:
    """A dyno size: memory quota in MB, share of the processors, and Heroku's compute units."""

    id: uuid.UUID
    name: str
    memory_mb: int
    cpu_shares: int
    cpus: float
    compute: int
    pids: int

    @property
    def is_dedicated(self) -> bool:
        """Whether Heroku sells it as a machine of one's own."""
        return self.name.startswith("Performance")


_SIZE_IDS = uuid.UUID("6b656467-652d-4964-8a53-697a65000000")

# name: memory in MB, processor shares, processors, Heroku's compute units, processes.
# https://devcenter.heroku.com/articles/dyno-types
_DECLARED = {
    "Eco": (512, 128, 1.0, 1, 256),
    "Basic": (512, 256, 1.0, 1, 256),
    "Standard-1X": (512, 256, 1.0, 1, 256),
    "Standard-2X": (1024, 512, 2.0, 2, 512),
    "Performance-M": (2560, 1024, 2.0, 12, 16384),
    "Performance-L": (14336, 4096, 8.0, 50, 32768),
    "Performance-L-RAM": (30720, 2048, 4.0, 24, 32768),
    "Performance-XL": (63488, 4096, 8.0, 50, 32768),
    "Performance-2XL": (129024, 8192, 16.0, 100, 32768),
}
SIZES = {name: Size(uuid.uuid5(_SIZE_IDS, name), name, *row) for name, row in _DECLARED.items()}
DEFAULT_SIZE = "Standard-1X"
_BY_LOWER_NAME = {name.lower(): size for name, size in SIZES.items()}


def find_size(name: object) -> Size:
    """The size of that name, in any case. Raises InvalidParams naming those there are."""
    size = _BY_LOWER_NAME.get(name.lower()) if isinstance(name, str) else None
    if size is None:
        raise InvalidParams(f"Couldn't find that dyno size. There are: {', '.join(SIZES)}.")
    return size


def parse_quantity(wanted: object, current: int) -> int:
    """A quantity as the API sends it: 2, "2", or "+1" and "-1" from the current one.

    Raises:
        InvalidParams: not a number, below zero, or over the limit.
    """
    try:
        number = int(str(wanted))
    except ValueError:
        raise InvalidParams(
            f"Quantity must be a number such as 2, +1 or -1, not {wanted!r}."
        ) from None
    if isinstance(wanted, str) and wanted[:1] in "+-":
        number += current
    if not 0 <= number <= QUANTITY_LIMIT:
        raise InvalidParams(f"Quantity must be from 0 to {QUANTITY_LIMIT}.")
    return number


class Formation(Row):
    """One process type of an app. `restarts` counts asked-for restarts of the whole type."""

    __tablename__ = "formations"
    __table_args__ = (UniqueConstraint("app_id", "type"),)

    id: Mapped[Id]
    app_id: Mapped[AppId]
    type: Mapped[str] = mapped_column(String(64))
    quantity: Mapped[int] = mapped_column(default=0)
    size: Mapped[str] = mapped_column(String(30), default=DEFAULT_SIZE)
    restarts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]

    app: Mapped[App] = relationship(lazy="immediate")
