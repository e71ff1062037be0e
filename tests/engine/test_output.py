"""Reading a dyno's output: frames, long lines, rotation, resuming."""

from __future__ import annotations

import pytest

from contract.lab import Lab, wait_until
from kedge.engine.docker.output import (
    LINE_LIMIT_BYTES,
    REMEMBERED_LINES,
    _pieces,
    _Seen,
    frames,
    tty_lines,
)


def frame(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


def stamped(second: int, text: bytes) -> tuple[int, bytes]:
    return 1, b"2026-01-01T00:00:%02d.000000000Z " % second + text


def texts(*parts: tuple[int, bytes]) -> list[str]:
    return [line.text for line in _Seen(0).new(_pieces(iter(parts)))]


class TestFrames:
    def test_cut_anywhere(self):
        """However the bytes are cut on their way, the frames come out whole."""
        raw = frame(1, b"one\n") + frame(2, b"") + frame(2, b"two\n")
        for size in (1, 3, 8, 100):
            chunks = (raw[start : start + size] for start in range(0, len(raw), size))
            assert list(frames(chunks)) == [(1, b"one\n"), (2, b""), (2, b"two\n")]

    def test_a_terminal_has_none(self):
        """A terminal's output is taken line by line, the unfinished last one too."""
        assert list(tty_lines(iter([b"a\r\nb", b"c\nd"]))) == [
            (1, b"a\r\n"),
            (1, b"bc\n"),
            (1, b"d"),
        ]


class TestLines:
    def test_files_out_of_order_and_twice_come_once(self):
        """The newest file, then the one before, then the newest again: each line comes once."""
        count = REMEMBERED_LINES // 4
        every = [(1, b"2026-01-01T00:00:00.%09dZ %d\n" % (n, n)) for n in range(2 * count)]
        older, newest = every[:count], every[count:]

        assert sorted(map(int, texts(*newest, *older, *newest))) == list(range(2 * count))

    def test_repeats_of_a_rotation_are_dropped(self):
        """Lines that come again, in or out of order, come once."""
        first, second, third = (stamped(n, b"line %d\n" % n) for n in (1, 2, 3))

        assert texts(first, second, first, second, third) == ["line 1", "line 2", "line 3"]

    def test_same_text_at_another_time_stays(self):
        """The same words at another time are another line."""
        assert texts(stamped(1, b"tick\n"), stamped(2, b"tick\n")) == ["tick", "tick"]

    def test_equal_parts_of_a_long_line_stay(self):
        """Equal pieces of one long line, which carry one time stamp, are no repeats."""
        piece = b"x" * LINE_LIMIT_BYTES

        assert [
            len(text) for text in texts(stamped(1, piece), stamped(1, piece), stamped(1, b"\n"))
        ] == [
            LINE_LIMIT_BYTES,
            LINE_LIMIT_BYTES,
        ]

    def test_empty_lines_stay(self):
        """An empty line is a line; a carriage return at the end is not part of it."""
        assert texts(stamped(1, b"\n"), stamped(2, b"words\r\n")) == ["", "words"]

    def test_the_engines_own_error_is_no_output(self):
        """What the engine says of its own trouble is no line of the dyno, and is read over."""
        seen = _Seen(0)
        parts = [stamped(1, b"one\n"), (2, b"Error grabbing logs: unexpected EOF\n\n")]

        assert [line.text for line in seen.new(_pieces(iter(parts)))] == ["one"]
        assert seen.cut_short

        rest = [stamped(1, b"one\n"), stamped(2, b"two\n")]
        assert [line.text for line in seen.new(_pieces(iter(rest)))] == ["two"]
        assert not seen.cut_short

    def test_undecodable_bytes(self):
        """Bytes that are no UTF-8 are replaced."""
        assert texts(stamped(1, b"caf\xe9\n")) == ["caf\ufffd"]


@pytest.mark.docker
class TestRealOutput:
    def test_long_lines(self, docker_lab: Lab):
        """A line of 40,000 bytes comes whole, in pieces of at most 16 KB."""
        command = "python3 -c \"print('a' * 40000); print('b' * 16384); print('c')\""
        runtime_id = docker_lab.run(command)
        lines = [
            each.text for each in docker_lab.runtime.output(runtime_id, since_ns=0, follow=True)
        ]

        assert [len(line) for line in lines] == [16384, 16384, 7232, 16384, 1]

    def test_resumed_without_loss(self, docker_lab: Lab):
        """Following that is broken off and resumed at the last line loses and repeats nothing."""
        runtime_id = docker_lab.run(
            "for i in $(seq 100); do echo $i; done; sleep 0.3; seq 101 5000"
        )
        following = docker_lab.runtime.output(runtime_id, since_ns=0, follow=True)
        before = [next(following) for _ in range(50)]
        following.close()  # type: ignore[attr-defined]
        after = docker_lab.runtime.output(runtime_id, since_ns=before[-1].at_ns, follow=True)
        rest = [line for line in after if line != before[-1]]

        assert [line.text for line in [*before, *rest]] == [str(n) for n in range(1, 5001)]

    def test_rotation(self, docker_lab: Lab, monkeypatch: pytest.MonkeyPatch):
        """Across the rotation of small log files nothing is lost or repeated."""
        from kedge.engine.docker import dyno

        monkeypatch.setitem(dyno.LOG_OPTIONS, "max-size", "1m")
        command = "for i in $(seq 40); do seq $((i*1000)) $((i*1000+999)); sleep 0.1; done"
        runtime_id = docker_lab.run(f"{command} | sed 's/$/ {'x' * 80}/'")
        lines = docker_lab.runtime.output(runtime_id, since_ns=0, follow=True)
        numbers = [int(line.text.split()[0]) for line in lines]

        assert sorted(numbers) == list(range(1000, 41000))

    def test_standard_error_too(self, docker_lab: Lab):
        """Standard error is part of the output."""
        runtime_id = docker_lab.run("echo trouble >&2")
        wait_until(lambda: docker_lab.output(runtime_id) == ["trouble"])
