"""What programs print, as HTML."""

from __future__ import annotations

import pytest

from kedge.dashboard.terminal import LINE_LIMIT, Terminal, rendered


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("plain", "plain"),
        ("<script>&'\"", "&lt;script&gt;&amp;&#39;&#34;"),
        ("\x1b[32mgreen\x1b[0m not", '<span class="t-green">green</span> not'),
        (
            "\x1b[1;31mbad\x1b[22m less",
            '<span class="t-red t-bold">bad</span><span class="t-red"> less</span>',
        ),
        ("\x1b[91mbright\x1b[39m", '<span class="t-red">bright</span>'),
        ("\x1b[38;5;2mindexed\x1b[m", '<span class="t-green">indexed</span>'),
        ("\x1b[38;2;1;2;3mtrue\x1b[48;5;1m colours", "true colours"),
        ("10%\r57%\r100%", "100%"),
        ("done\r", "done"),
        ("\x1b]0;title\x07text\x1b[2K\x1b[1A", "text"),
        ("\x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\", "link"),
        ('\x1b[31"on=x m<b>', "n=x m&lt;b&gt;"),  # the o ends it
        ("bell\x07 back\x08 nul\x00", "bell back nul"),
        ("\x1b", "\x1b"[1:]),
    ],
)  # fmt: skip
def test_a_line_is_coloured_and_never_markup(printed, shown):
    """Colours become classes; what else a terminal would obey is dropped, and all is escaped."""
    assert rendered(printed)[0] == shown


def test_bytes_may_be_cut_anywhere():
    """Characters, sequences and lines that come in pieces are whole in the end."""
    whole = "-----> \x1b[1;32mGrüße\x1b[0m\r\nnext 1%\rnext 2%\nrest".encode()
    for cut in range(len(whole)):
        terminal = Terminal()
        lines = terminal.feed(whole[:cut]) + terminal.feed(whole[cut:])
        assert lines == ['-----&gt; <span class="t-green t-bold">Grüße</span>', "next 2%"]
        assert terminal.rest == "rest"


def test_a_colour_goes_on_in_the_next_line():
    """As in a terminal, until it is ended."""
    terminal = Terminal()
    assert terminal.feed(b"\x1b[33mone\ntwo\x1b[0m\nthree\n") == [
        '<span class="t-yellow">one</span>', '<span class="t-yellow">two</span>', "three",
    ]  # fmt: skip


def test_the_line_still_written_is_shown_without_what_is_not_whole():
    """Half of a sequence is not shown as text."""
    terminal = Terminal()
    terminal.feed(b"half \x1b[3")
    assert terminal.rest == "half "


def test_a_line_without_end_is_cut():
    """Output without line ends grows no page's memory."""
    terminal = Terminal()
    assert len(terminal.feed(b"x" * (LINE_LIMIT + 10))) == 1
    assert terminal.rest == ""
