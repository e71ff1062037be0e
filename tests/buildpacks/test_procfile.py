"""The Procfile as the runner reads it."""

import pytest
from _lib.refusal import Refused
from _runner import procfile


def test_types_keep_their_order_and_commands():
    """A Procfile's process types keep the file's order and the command to the line's end."""
    types = procfile.parse("web: gunicorn app:app --bind :$PORT\nworker:python w.py\n")
    assert list(types.items()) == [
        ("web", "gunicorn app:app --bind :$PORT"),
        ("worker", "python w.py"),
    ]


def test_windows_files_are_understood():
    """A byte order mark, CRLF line ends, comments and empty lines do not matter."""
    assert procfile.parse("\ufeff# c\r\nweb: run\r\n\r\n  \r\n") == {"web": "run"}


@pytest.mark.parametrize(
    ("text", "number", "why"),
    [
        ("web: ok\nnonsense\n", 2, "no colon"),
        ("web:\n", 1, "no command"),
        ("web: a\0b\n", 1, "NUL"),
        ("we b: x\n", 1, "no process type"),
        ("web: ok\n\nwéb: x\n", 3, "no process type"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_by_number(text, number, why):
    """A line that is no entry is refused with its number, its fault and the form to write."""
    with pytest.raises(Refused) as refused:
        procfile.parse(text)
    assert f"Line {number} " in refused.value.reason
    assert why in refused.value.advice[0]
    assert "web: gunicorn app:app" in refused.value.advice[-1]


def test_a_type_named_twice_is_refused():
    """Two lines for one process type are refused with both numbers."""
    with pytest.raises(Refused, match="web twice, in lines 1 and 3"):
        procfile.parse("web: a\nworker: b\nweb: c\n")


def test_a_name_too_long_is_refused():
    """A process type's name has at most 40 characters."""
    with pytest.raises(Refused, match="41 characters"):
        procfile.parse("a" * 41 + ": x")


def test_text_that_is_not_utf8_is_refused(tmp_path):
    """A Procfile in another encoding is refused in words."""
    (tmp_path / "Procfile").write_bytes("web: x".encode("utf-16"))
    with pytest.raises(Refused, match="not UTF-8"):
        procfile.read(tmp_path)


def test_a_misspelled_name_is_noticed(tmp_path):
    """A file `procfile` is noticed when there is no Procfile, and only then."""
    (tmp_path / "procfile.txt").write_text("web: x")
    assert procfile.misspelled(tmp_path) == "procfile.txt"
    (tmp_path / "Procfile").write_text("web: x")
    assert procfile.misspelled(tmp_path) is None
