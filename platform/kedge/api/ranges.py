"""Heroku's Range header: which rows of a list, in which order, how many.

    Range: version ..; order=desc,max=15        the fifteen newest
    Range: name ]my-app..; max=200              two hundred after my-app
    Range: ..; max=10                           ten, by the list's own key

https://devcenter.heroku.com/articles/platform-api-reference#ranges
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from kedge.errors import RangeUnsatisfiable
from kedge.ops.pages import Bound, Keys, Page

DEFAULT_LIMIT = 200
MOST_LIMIT = 1000

_SPAN = re.compile(r"(?:(?P<key>[a-z_]+)(?:\s+|$))?(?:(?P<first>\S*?)\.\.(?P<last>\S*))?")
_TIE = "~"


@dataclass(frozen=True, slots=True)
class Span:
    """A Range header as it was sent: bounds are still text."""

    key: str | None = None
    first: str = ""
    last: str = ""
    limit: int = DEFAULT_LIMIT
    descending: bool = False

    @property
    def is_bounded(self) -> bool:
        """Whether it asks for a part of the list, rather than for all of it."""
        return bool(self.first or self.last)

    def after(self, key: str, last: str) -> str:
        """The header that asks for what comes after a row: `version ]15..; max=15, order=desc`."""
        order = ", order=desc" if self.descending else ""
        return f"{key} ]{last}..{self.last}; max={self.limit}{order}"


def parse(header: str | None) -> Span:
    """The Range header of a list. None, empty or another unit's (`bytes=0-`) is the whole list.

    Raises:
        RangeUnsatisfiable: it cannot be read.
    """
    header = (header or "").strip()
    if not header or header.lower().startswith("bytes"):
        return Span()
    bounds, _, options = header.partition(";")
    match = _SPAN.fullmatch(bounds.strip())
    if match is None or not header.isprintable():
        words = f"Range {shown(header)} is not of the form `id first..last; max=200`."
        raise RangeUnsatisfiable(words)
    span = Span(match["key"], match["first"] or "", match["last"] or "")
    for option in re.split(r"[;,]", options):
        span = _with_option(span, option.strip())
    return span


def page_of(span: Span, keys: Keys, default: str) -> Page:
    """The page of a list ordered by one of `keys` that a span asks for.

    An unknown key without bounds asks for the list as it is: a client library sends
    `id ..; max=1000` with everything.

    Raises:
        RangeUnsatisfiable: an unknown key with bounds, or a bound that is none of its values.
    """
    name = span.key or default
    if name not in keys:
        if span.is_bounded:
            raise RangeUnsatisfiable(f"Range goes by one of: {', '.join(keys)}.")
        name = default
    span = in_order(span, keys[name].read)
    first, last = bounds_of(span, keys[name].read)
    return Page(key=name, limit=span.limit, first=first, last=last, descending=span.descending)


def bounds_of(span: Span, read: Callable[[str], Any]) -> tuple[Bound | None, Bound | None]:
    """The bounds of a span as values. Raises RangeUnsatisfiable when one cannot be read."""
    return _bound(span.first, read), _bound(span.last, read)


def in_order(span: Span, read: Callable[[str], Any]) -> Span:
    """The span with its bounds in the order the list is read.

    `version 1..9; order=desc` means the same nine as `version 9..1; order=desc`.
    """
    first, last = bounds_of(span, read)
    if not first or not last or first.value == last.value:
        return span
    is_turned = (first.value > last.value) != span.descending
    return replace(span, first=span.last, last=span.first) if is_turned else span


def written(value: Any, tie: uuid.UUID | None = None) -> str:
    """A key's value as bounds are written; `tie` where several rows may have it."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return f"{value}{_TIE}{tie}" if tie else str(value)


def shown(header: str) -> str:
    """A piece of a header, fit for an error message."""
    return repr(header[:80].encode("ascii", "backslashreplace").decode())


def _with_option(span: Span, option: str) -> Span:
    name, _, value = option.partition("=")
    name, value = name.strip().lower(), value.strip().lower()
    if not name:
        return span
    if name == "max" and value.isascii() and value.isdecimal() and len(value) < 10:
        return replace(span, limit=min(max(int(value), 1), MOST_LIMIT))
    if name == "order" and value in {"asc", "desc"}:
        return replace(span, descending=value == "desc")
    raise RangeUnsatisfiable(
        f"{shown(option)} is not an option of Range: there are max=N, order=asc and order=desc."
    )


def _bound(text: str, read: Callable[[str], Any]) -> Bound | None:
    value, _, tie = text.lstrip("[]").partition(_TIE)
    if not value:
        return None
    try:
        return Bound(read(value), text.startswith("]"), uuid.UUID(tie) if tie else None)
    except (ValueError, OverflowError):
        raise RangeUnsatisfiable(f"{shown(text)} is no value of this Range's key.") from None
