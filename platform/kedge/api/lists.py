"""Lists as answers: 200, or 206 with `Next-Range` when there is more."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import Response, request

from kedge.api import ranges
from kedge.api.answers import answer
from kedge.api.ranges import Span
from kedge.errors import RangeUnsatisfiable
from kedge.model.tables import Json
from kedge.ops.pages import Bound, Keys, Page, number

Row = TypeVar("Row")


def asked() -> Span:
    """What this request's Range header asks for."""
    return ranges.parse(request.headers.get("Range"))


def asked_page(keys: Keys, default: str) -> Page:
    """The page this request asks for, of a list ordered by one of `keys`."""
    return ranges.page_of(asked(), keys, default)


def answer_page(
    rows: Sequence[Row],
    page: Page,
    keys: Keys,
    show: Callable[[Row], Json],
    *,
    key_of: Callable[[Row], Any] = lambda row: row,
) -> Response:
    """A page of a long list.

    Args:
        rows: the page's rows, and one more when there are further ones.
        page: what was asked for.
        keys: what the list may be ordered by.
        show: a row as JSON.
        key_of: what has the keys, where a row comes with more beside it.
    """
    further = len(rows) > page.limit
    shown = rows[: page.limit]
    response = answer([show(row) for row in shown], 206 if further else 200)
    response.headers["Accept-Ranges"] = ", ".join(keys)
    if shown:
        first, last = (_place(key_of(row), page, keys) for row in (shown[0], shown[-1]))
        response.headers["Content-Range"] = f"{page.key} {first}..{last}"
        if further:
            span = ranges.in_order(asked(), keys[page.key].read)
            response.headers["Next-Range"] = span.after(page.key, last)
    return response


def answer_list(items: Sequence[Json]) -> Response:
    """A short list, in its own order unless the client asks for another.

    Raises:
        RangeUnsatisfiable: the client asks for a part of it by a key its items do not have.
    """
    span = asked()
    key = span.key or "id"
    can_order = all(isinstance(item.get(key), str | int) for item in items)
    if not can_order and span.is_bounded:
        raise RangeUnsatisfiable(f"This list cannot be ordered by {ranges.shown(key)}.")
    if can_order and (span.key or span.is_bounded or len(items) > span.limit):
        read: Callable[[str], Any] = number if items and isinstance(items[0][key], int) else str
        span = ranges.in_order(span, read)
        items = _chosen(items, key, span, read)
    further = can_order and len(items) > span.limit
    shown = list(items[: span.limit]) if can_order else list(items)
    response = answer(shown, 206 if further else 200)
    if can_order:
        response.headers["Accept-Ranges"] = key
    if further:
        response.headers["Next-Range"] = span.after(key, str(shown[-1][key]))
    return response


def _place(row: Any, page: Page, keys: Keys) -> str:
    key = keys[page.key]
    tie: uuid.UUID | None = None if key.is_unique else row.id
    return ranges.written(getattr(row, key.column.key), tie)


def _chosen(items: Sequence[Json], key: str, span: Span, read: Callable[[str], Any]) -> list[Json]:
    first, last = ranges.bounds_of(span, read)
    return [
        item
        for item in sorted(items, key=lambda item: item[key], reverse=span.descending)
        if _is_beyond(item[key], first, upwards=not span.descending)
        and _is_beyond(item[key], last, upwards=span.descending)
    ]


def _is_beyond(value: Any, bound: Bound | None, *, upwards: bool) -> bool:
    if bound is None:
        return True
    if value == bound.value:
        return not bound.is_exclusive
    return bool((value > bound.value) == upwards)
