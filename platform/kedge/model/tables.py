"""What all rows share: the declarative base, and the types of ids and moments."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, MetaData, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

Json = dict[str, Any]

Id = Annotated[uuid.UUID, mapped_column(Uuid, primary_key=True, default=uuid.uuid4)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
Changed = Annotated[
    datetime,
    mapped_column(DateTime(timezone=True), server_default=func.now(), onupdate=func.now()),
]
AppId = Annotated[
    uuid.UUID, mapped_column(Uuid, ForeignKey("apps.id", ondelete="CASCADE"), index=True)
]


class Row(DeclarativeBase):
    """The base of every row.

    What a row belongs to is read with it. Its app nearly always is in the session already, since
    everything begins with finding it, and many dynos are of one release: `lazy="immediate"` takes
    them from there, where a join would fetch them again with every row. Lists of many apps' rows
    name the app in a join of their own.
    """

    # Rows are shown after their transaction: what the database computes comes back with the change.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - likewise
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads a plain class attribute
        datetime: DateTime(timezone=True),
        Json: JSONB,
        int: BigInteger,
        list[Any]: JSONB,
    }
