"""How the dashboard says things, and where it leads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kedge.dashboard import icons, paths, rendering, words

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (5, "5 seconds ago"),
        (60, "1 minute ago"),
        (7200, "2 hours ago"),
        (86400 * 3, "3 days ago"),
        (86400 * 40, "20 Jan 2026"),
    ],
)
def test_a_moment_is_said_as_a_distance(seconds, said):
    """Near ones by how long ago, far ones by their date."""
    assert words.ago(NOW - timedelta(seconds=seconds), NOW) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 KB"), (123_000_000, "123 MB"), (2.5e9, "2.5 GB")],
)
def test_a_size_has_a_unit(size, said):
    """Three digits are enough."""
    assert words.size(size) == said


def test_words_in_backticks_are_code():
    """And nothing in them is markup; a single backtick is one."""
    assert words.with_code("run `a <b>` now") == "run <code>a &lt;b&gt;</code> now"
    assert words.with_code("it`s <b>") == "it`s &lt;b&gt;"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/dashboard/apps/a?x=1", True),
        ("/", True),
        ("//evil", False),
        ("/\\evil", False),
        ("/a\\..\\b", False),
        ("/\n/evil", False),
        ("https://evil", False),
        ("", False),
        (None, False),
    ],
)
def test_only_paths_of_our_own_are_gone_on_to(path, kept):
    """Whatever a browser could take for another host is none."""
    assert paths.local(path) == (path if kept else None)


def test_the_path_of_a_page_is_quoted():
    """Names become parts of a path, whatever they hold."""
    assert paths.app("a", "b/c", "é", x="1 2", y="") == "/dashboard/apps/a/b%2Fc/%C3%A9?x=1+2"


def test_icons_come_out_of_the_package():
    """One that is not there is a plain one; a name is never markup."""
    assert "<path" in icons.icon("check-circle-fill")
    assert icons.icon("no-such-icon") == icons.icon("square")
    assert icons.icon('x" onload="') == icons.icon("square")
    assert 'aria-label="&lt;b&gt;"' in icons.icon("star", "<b>")


def test_every_state_has_an_icon_of_the_package():
    """A state is told by word, icon and tone."""
    for said in words.STATES.values():
        assert icons.drawing(said.icon), said


def test_the_passing_of_time_is_no_change():
    """A fragment's digest tells of what changed, not of how long ago that was."""
    first = rendering.fragment("activity/macros")
    assert first == rendering.fragment("activity/macros")
    time = '<time datetime="{}" title="x">{}</time>'
    cut = rendering._TIMES.sub
    assert cut(r"\1", time.format("a", "1 s")) == cut(r"\1", time.format("a", "2 s"))
    assert cut(r"\1", time.format("a", "1 s")) != cut(r"\1", time.format("b", "1 s"))
