"""The line with a command's exit status stays in one piece."""

from kedge.engine.rendezvous_session import EXIT_MARK, ExitLines

MARKED = EXIT_MARK + b" 42\r\n"


def test_cuts_never_split_the_exit_line():
    """For every cut in two the mark's line is one piece, and no byte is lost or doubled."""
    text = b"before \xef\xbf\xbf her\xef" + MARKED + b"after \xef\xbf"
    for cut in range(len(text) + 1):
        lines = ExitLines()
        pieces = [*lines.feed(text[:cut]), *lines.feed(text[cut:]), *lines.flush()]
        assert b"".join(pieces) == text
        assert MARKED in pieces


def test_other_output_is_never_held_back():
    """Only what may be the mark waits; a mark without an end goes when it is too long."""
    lines = ExitLines()
    assert b"".join(lines.feed(b"$ ")) == b"$ "
    assert b"".join(lines.feed("漢字".encode())) == "漢字".encode()
    endless = EXIT_MARK + b"x" * 300
    assert b"".join(lines.feed(endless)) == endless
