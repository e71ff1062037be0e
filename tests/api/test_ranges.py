"""The Range header, as pure functions."""

import uuid

import pytest

from kedge.api.ranges import Span, in_order, page_of, parse, written
from kedge.errors import RangeUnsatisfiable
from kedge.model.build import Build
from kedge.model.release import Release
from kedge.ops.pages import Key, moment, number

KEYS = {
    "version": Key(Release.version, number),
    "id": Key(Release.id, uuid.UUID),
    "created_at": Key(Build.created_at, moment, is_unique=False),
}


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, Span()),
        ("", Span()),
        (" ", Span()),
        ("bytes=0-99", Span()),
        ("version ..; max=15, order=desc", Span("version", limit=15, descending=True)),
        ("version ..; order=desc,max=1", Span("version", limit=1, descending=True)),
        ("version ..; order=desc", Span("version", descending=True)),
        ("id ..; max=1000;", Span("id", limit=1000)),
        ("seq ..; order=desc,max=1000", Span("seq", limit=1000, descending=True)),
        ("..; max=10", Span(limit=10)),
        ("version", Span("version")),
        ("; max=3", Span(limit=3)),
        ("name ]my-app..", Span("name", first="]my-app")),
        ("name a..b; max=5000", Span("name", "a", "b", limit=1000)),
        ("name ..z; max=0; order=asc", Span("name", last="z", limit=1)),
        ("created_at ]2012-01-01T12:00:00Z..", Span("created_at", "]2012-01-01T12:00:00Z")),
        ("VERSION ..", None),
        ("version 1", None),
        ("version ..; max=-1", None),
        ("version ..; max=ten", None),
        ("version ..; bogus", None),
        ("version a b..c", None),
        ("version a\x00..", None),
    ],
)
def test_spellings(header, span):
    """Every spelling clients use is read; anything else is refused, never guessed."""
    if span is None:
        with pytest.raises(RangeUnsatisfiable):
            parse(header)
    else:
        assert parse(header) == span


def test_bounds_are_values():
    """Bounds are read as the key's values, with the mark of an exclusive one taken off."""
    page = page_of(parse("version ]5..9; max=3"), KEYS, "version")
    assert (page.first.value, page.first.is_exclusive, page.last.value) == (5, True, 9)
    tie = uuid.uuid4()
    place = written(moment("2026-01-01T00:00:00.000001Z"), tie)
    page = page_of(parse(f"created_at ]{place}.."), KEYS, "version")
    assert page.first.value == moment("2026-01-01T00:00:00.000001Z")
    assert page.first.tie == tie


@pytest.mark.parametrize(
    "header",
    [
        "version x..",
        "version 1.5..",
        f"version {10**30}..",
        "id 7..",
        "created_at yesterday..",
        "created_at 0001-01-01T00:00:00+23:59..",
        "created_at 2026-01-01~no-id..",
        "stack a..",
    ],
)
def test_bounds_that_are_no_values(header):
    """A bound that is none of the key's values, or of an unknown key, is refused."""
    with pytest.raises(RangeUnsatisfiable):
        page_of(parse(header), KEYS, "version")


def test_an_unknown_key_without_bounds():
    """A key the list does not have bounds nothing by itself: the list's own is taken."""
    assert page_of(parse("id ..; max=1000"), {"version": KEYS["version"]}, "version").key == (
        "version"
    )


def test_bounds_in_the_order_of_reading():
    """Bounds mean the same rows whichever way they are read."""
    assert in_order(parse("version 1..9; order=desc"), number).first == "9"
    assert in_order(parse("version 9..1; order=desc"), number).first == "9"
    assert in_order(parse("version 9..1"), number).first == "1"


def test_what_comes_next():
    """The next page begins after the last row, in the same order, up to the same end."""
    assert parse("version ..9; max=3, order=desc").after("version", "5") == (
        "version ]5..9; max=3, order=desc"
    )
    again = parse(parse("version 9..1; max=3, order=desc").after("version", "7"))
    assert in_order(again, number) == again
