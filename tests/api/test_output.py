"""An output read from a byte on, and as events: who connects again loses and repeats nothing."""

import random
import threading
import uuid

import pytest

from kedge.api import output_events
from kedge.ops import outputs

EVENTS = {"Accept": "text/event-stream"}
WORDS = "-----> Building 🚀\r\n       Größe: 漢字\r50 %\r100 %\r\n\n\n       Done\n"


@pytest.fixture
def written(services, hello):
    """Makes an output of these chunks, complete or not; its path."""

    def make(*chunks, complete=True):
        output_id = uuid.uuid4()
        outputs.begin(services, uuid.UUID(hello.id), output_id)
        for chunk in chunks:
            outputs.write(services, output_id, chunk)
        if complete:
            outputs.finish(services, output_id)
        return f"/output/{output_id}"

    return make


def get(api, path, **headers):
    """One answer, as whoever has the address gets it."""
    return api.application.test_client().get(path, headers=headers)


def parsed(stream):
    """(id, kind, data) of each event, as the HTML standard tells clients to read them."""
    found = []
    for block in stream.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
        fields = [line.partition(":")[::2] for line in block.split("\n")]
        data = [value.removeprefix(" ") for name, value in fields if name == "data"]
        if data:
            named = {name: value.removeprefix(" ") for name, value in fields}
            found.append((named.get("id"), named.get("event"), "\n".join(data)))
    return found


class TestRange:
    @pytest.mark.parametrize("first", [0, 1, 4, 5, 9])
    def test_from_a_byte_on(self, api, written, first):
        """Whatever chunk the byte is in: 206, and what there is from it on."""
        path = written(b"abcd", b"efgh", b"ij")
        answer = get(api, path, Range=f"bytes={first}-")
        assert (answer.status_code, answer.data) == (206, b"abcdefghij"[first:])
        assert answer.headers["Content-Range"] == f"bytes {first}-9/10"

    def test_of_one_that_still_grows(self, api, services, written):
        """What is written later comes too; where it will end is not known."""
        path = written(b"abcd", b"ef", complete=False)
        output_id = uuid.UUID(path.rpartition("/")[2])

        def write():
            outputs.write(services, output_id, b"gh")
            outputs.finish(services, output_id)

        threading.Timer(0.05, write).start()
        answer = get(api, path, Range="bytes=6-")
        assert answer.headers["Content-Range"] == f"bytes 6-{2**53 - 1}/*"
        assert answer.data == b"gh"

    def test_beyond_the_end_is_refused(self, api, written):
        """416 with the size: the reader has it all."""
        path = written(b"abcd")
        for first in (4, 5, 10**14):
            answer = get(api, path, Range=f"bytes={first}-")
            assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */4")
        grows = written(b"abcd", complete=False)
        assert get(api, grows, Range="bytes=5-").status_code == 416

    @pytest.mark.parametrize("other", ["bytes=-2", "bytes=0-1", "bytes=0-,2-", "lines=1-", "x"])
    def test_other_ranges_are_passed_over(self, api, written, other):
        """As HTTP allows: the whole output, with 200."""
        answer = get(api, written(b"abcd"), Range=other)
        assert (answer.status_code, answer.data) == (200, b"abcd")
        assert answer.headers["Accept-Ranges"] == "bytes"


class TestEvents:
    def test_the_whole_output(self, api, written):
        """The data is the output, ids are bytes, and the last event says that it ended."""
        answer = get(api, written("größe\n".encode(), b"two", b" words\n"), **EVENTS)
        assert answer.mimetype == "text/event-stream"
        assert answer.data.startswith(b"retry: 1000\n\n")
        assert parsed(answer.data) == [
            ("8", None, "größe\n"),
            ("11", None, "two"),
            ("18", None, " words\n"),
            (None, "end", ""),
        ]

    def test_who_connects_again_gets_the_rest(self, api, written):
        """From the last id on; once there is no more, the client is told to stay away."""
        path = written(b"one\n", b"two\n")
        rest = get(api, path, **EVENTS, **{"Last-Event-ID": "4"})
        assert parsed(rest.data) == [("8", None, "two\n"), (None, "end", "")]
        assert get(api, path, **EVENTS, **{"Last-Event-ID": "8"}).status_code == 204
        for wrong, status in (("9", 416), ("-1", 400), ("x", 400), ("9" * 40, 400)):
            refused = get(api, path, **EVENTS, **{"Last-Event-ID": wrong})
            assert refused.status_code == status
            assert refused.json["message"]

    def test_nothing_is_lost_or_repeated_wherever_it_breaks(self, api, written):
        """Chunks cut characters and line ends; the connection breaks after any event."""
        whole, dice = WORDS.encode(), random.Random(4)
        for _ in range(10):
            cuts = sorted(dice.sample(range(1, len(whole)), 12))
            path = written(*(whole[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)))
            told, last = [], None
            while True:
                headers = {"Last-Event-ID": last} if last else {}
                answer = get(api, path, **EVENTS, **headers)
                if answer.status_code == 204:
                    break
                *some, (_, end, _) = parsed(answer.data)
                assert end == "end"
                kept = some[: dice.randint(1, len(some))]
                told += [data for _, _, data in kept]
                last = kept[-1][0]
            assert "".join(told) == WORDS.replace("\r\n", "\n").replace("\r", "\n")

    def test_broken_text_is_shown_as_such(self):
        """Bytes that are no text do not end the stream, nor does half a character at its end."""
        made = b"".join(output_events.events([b"a\xffb\xe6", b"\xbc", b""], 10))
        assert parsed(made) == [("13", None, "a\ufffdb"), ("15", None, "\ufffd"), (None, "end", "")]

    def test_a_silence_is_broken_by_comments(self, monkeypatch):
        """Proxies on the way must not take it for dead."""
        monkeypatch.setattr(output_events, "HEARTBEAT_SECONDS", 0.0)
        assert b": \n\n" in list(output_events.events([b"", b"x"], 0))

    def test_heads_have_no_body(self, api, written):
        """HEAD says what kind it is and reads nothing."""
        answer = api.application.test_client().head(written(b"abc"), headers=EVENTS)
        assert (answer.mimetype, answer.data) == ("text/event-stream", b"")
