"""A page of a long list: from a key's value on, so many rows, in one order.

Pages go by key, never by offset, so that page five costs what page one does and rows that come in
between shift nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

LARGEST_NUMBER = 2**62
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True)
class Key:
    """What a list may be ordered by: a column, and how its values are read from text.

    `is_unique` says that no two rows of the list have the same value; else ids decide.
    """

    column: InstrumentedAttribute[Any]
    read: Callable[[str], Any]
    is_unique: bool = True


Keys = Mapping[str, Key]


@dataclass(frozen=True, slots=True)
class Bound:
    """Where a page begins or ends. `tie` is the id of the row it lies at, where values repeat."""

    value: Any
    is_exclusive: bool = False
    tie: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which rows of a list: `first` and `last` bound them in the order they are read."""

    key: str
    limit: int
    first: Bound | None = None
    last: Bound | None = None
    descending: bool = False


def paged(
    query: Select[*Ts], page: Page, keys: Keys, row_id: InstrumentedAttribute[uuid.UUID]
) -> Select[*Ts]:
    """The query for a page's rows, and one more, which tells that there are further ones."""
    key = keys[page.key]
    columns = [key.column] if key.is_unique else [key.column, row_id]
    if page.first:
        query = query.where(_beyond(key, row_id, page.first, downwards=page.descending))
    if page.last:
        query = query.where(_beyond(key, row_id, page.last, downwards=not page.descending))
    order = [column.desc() if page.descending else column.asc() for column in columns]
    return query.order_by(*order).limit(page.limit + 1)


def number(written: str) -> int:
    """A whole number. Raises ValueError."""
    value = int(written)
    if abs(value) > LARGEST_NUMBER:
        raise ValueError(written)
    return value


def moment(written: str) -> datetime:
    """A moment such as 2012-01-01T12:00:00Z. Raises ValueError or OverflowError."""
    value = datetime.fromisoformat(written)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _beyond(
    key: Key, row_id: InstrumentedAttribute[uuid.UUID], bound: Bound, *, downwards: bool
) -> ColumnElement[bool]:
    left: Any = key.column
    right: Any = bound.value
    if bound.tie is not None:
        left, right = tuple_(key.column, row_id), tuple_(bound.value, bound.tie)
    if bound.is_exclusive:
        return left < right if downwards else left > right  # type: ignore[no-any-return]
    return left <= right if downwards else left >= right  # type: ignore[no-any-return]
