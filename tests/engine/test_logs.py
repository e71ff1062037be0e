"""The log store on disk, with several processes at it, kills and full disks."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from kedge.engine.log_records import MAX_TEXT_CHARACTERS
from kedge.engine.logs import FileLogStore, format_line, safe_text
from kedge.engine.protocols import LogFilter, LogLine
from kedge.errors import BadRequest

SECOND_NS = 1_000_000_000
ALL = LogFilter()
# Appends batches of ten numbered lines until it has done them all or is killed.
WRITER = """
import sys, time
from pathlib import Path
from uuid import UUID
from kedge.engine.logs import FileLogStore
from kedge.engine.protocols import LogLine
folder, app, process, batches = sys.argv[1:5]
store = FileLogStore(Path(folder), 64 << 20)
for batch in range(int(batches)):
    now = time.time_ns()
    texts = [f"{batch * 10 + i} {'x' * 80}" for i in range(10)]
    store.append(UUID(app), [LogLine(now + i, "app", process, t) for i, t in enumerate(texts)])
    if batch == 0:
        print("writing", flush=True)
"""


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.ns = 1_700_000_000 * SECOND_NS

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def app_id() -> UUID:
    return uuid4()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> FileLogStore:
    return FileLogStore(tmp_path / "logs", 1 << 20, now_ns=clock)


def line(at_ns: int, text: str, process: str = "web.1", source: str = "app") -> LogLine:
    return LogLine(at_ns, source, process, text)


def texts(lines: list[LogLine]) -> list[str]:
    return [one.text for one in lines]


def drain(store: FileLogStore, app_id: UUID, cursor: str = "0") -> tuple[list[LogLine], str]:
    """Follow until a call gives nothing new."""
    found = []
    while True:
        lines, following = store.follow(app_id, cursor, ALL)
        found += lines
        if following == cursor:
            return found, cursor
        cursor = following


def writer(folder: Path, app_id: UUID, process: str, batches: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), str(app_id), process, str(batches)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)


@contextmanager
def files_no_longer_than(size_bytes: int) -> Iterator[None]:
    """Writes beyond a file's size fail half-way, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def newest_segment(folder: Path) -> Path:
    return max(folder.rglob("*.log"))


def test_a_line_is_shown_in_herokus_form():
    """A line reads `<ISO time with microseconds> <source>[<process>]: <text>`."""
    shown = format_line(line(1284650026_677020999, "message"))
    assert shown == "2010-09-16T15:13:46.677020+00:00 app[web.1]: message"


def test_tail_gives_the_newest_lines_in_the_order_of_time(store: FileLogStore, app_id: UUID):
    """Lines come back by time whatever the order of writing, the newest of them."""
    store.append(app_id, [line(3, "c"), line(1, "a")])
    store.append(app_id, [line(2, "b", "router", "heroku")])
    lines, _ = store.tail(app_id, 2, ALL)
    assert lines == [line(2, "b", "router", "heroku"), line(3, "c")]


def test_an_app_without_a_log_is_empty(store: FileLogStore, app_id: UUID):
    """Reading what was never written gives nothing, and nothing is made on disk for it."""
    lines, cursor = store.tail(app_id, 100, ALL)
    assert lines == []
    assert store.follow(app_id, cursor, ALL) == ([], cursor)
    assert store.last_at_ns(app_id, "web.1") == (0, ())
    store.forget(app_id)


def test_tail_gives_at_most_1500_lines(store: FileLogStore, app_id: UUID):
    """More than 1,500 lines are not given, as on Heroku; none when none are asked for."""
    store.append(app_id, [line(n, str(n)) for n in range(2000)])
    lines, _ = store.tail(app_id, 10_000, ALL)
    assert texts(lines) == [str(n) for n in range(500, 2000)]
    assert store.tail(app_id, 0, ALL)[0] == []


@pytest.mark.parametrize(
    ("only", "shown"),
    [
        (LogFilter(source="heroku"), ["router", "state"]),
        (LogFilter(process="web"), ["one", "two", "state"]),
        (LogFilter(process="web.1"), ["one", "state"]),
        (LogFilter(source="app", process="web.1"), ["one"]),
        (LogFilter(process="we"), []),
    ],
)
def test_a_filter_takes_a_source_and_a_process_or_type(
    store: FileLogStore, app_id: UUID, only: LogFilter, shown: list[str]
):
    """`web` means web.1, web.2, …; `web.1` only that one; a source only that source."""
    store.append(
        app_id,
        [
            line(1, "one"),
            line(2, "two", "web.2"),
            line(3, "ten", "website.1"),
            line(4, "router", "router", "heroku"),
            line(5, "state", "web.1", "heroku"),
        ],
    )
    assert texts(store.tail(app_id, 100, only)[0]) == shown
    assert texts(store.follow(app_id, "0", only)[0]) == shown


def test_a_filtered_tail_looks_past_other_lines(store: FileLogStore, app_id: UUID):
    """One early line of a quiet process is found behind many of a chatty one."""
    store.append(app_id, [line(1, "quiet", "clock.1")])
    store.append(app_id, [line(n, "x" * 100) for n in range(2, 5000)])
    assert texts(store.tail(app_id, 10, LogFilter(process="clock"))[0]) == ["quiet"]


def test_texts_cannot_break_lines_or_move_the_cursor(store: FileLogStore, app_id: UUID):
    """Line ends and control characters become visible; colours, tabs and other tongues stay."""
    wild = "a\nb\x1b[2Jc\x00\x9bd\ud800\u2028e\x7f"
    tame = "\tgr\x1b[32mün\x1b[0m 漢字\u00a0!"
    store.append(app_id, [line(1, wild), line(2, tame), line(3, "end\r\n"), line(4, "")])
    shown = texts(store.tail(app_id, 10, ALL)[0])
    assert shown == ["a␊b␛[2Jc␀\ufffdd\ufffd\ufffde␡", tame, "end", ""]
    assert shown[0] == safe_text(wild)


def test_a_long_line_is_kept_as_several(store: FileLogStore, app_id: UUID):
    """Nothing of a line over 16 K characters is lost."""
    store.append(app_id, [line(1, "ä" * (2 * MAX_TEXT_CHARACTERS + 1))])
    lines, _ = store.tail(app_id, 10, ALL)
    assert [len(one.text) for one in lines] == [MAX_TEXT_CHARACTERS, MAX_TEXT_CHARACTERS, 1]


def test_follow_goes_on_where_tail_ended(store: FileLogStore, app_id: UUID):
    """Each line comes once: in the tail, or after it."""
    store.append(app_id, [line(1, "a")])
    _, cursor = store.tail(app_id, 10, ALL)
    store.append(app_id, [line(2, "b")])
    lines, cursor = store.follow(app_id, cursor, ALL)
    assert texts(lines) == ["b"]
    assert store.follow(app_id, cursor, ALL) == ([], cursor)


def test_follow_puts_a_late_line_in_its_place(store: FileLogStore, app_id: UUID, clock: Clock):
    """A line that was written a moment late still comes before a younger one."""
    store.append(app_id, [line(clock.ns, "second")])
    lines, cursor = store.follow(app_id, "0", ALL)
    assert lines == []
    store.append(app_id, [line(clock.ns - 1000, "first", "router", "heroku")])
    clock.ns += SECOND_NS
    lines, _ = store.follow(app_id, cursor, ALL)
    assert texts(lines) == ["first", "second"]


def test_follow_gives_every_line_once_whatever_is_held_back(
    store: FileLogStore, app_id: UUID, clock: Clock
):
    """Over random delays, reads and times every line comes exactly once, in order of time."""
    seed = random.randrange(1 << 30)
    print("seed", seed)  # noqa: T201 - shown when the test fails
    chance = random.Random(seed)
    cursor, shown, sent = "0", [], 0
    for _ in range(300):
        late = [clock.ns - chance.randrange(250_000_000) for _ in range(chance.randrange(4))]
        store.append(app_id, [line(at, str(sent + n)) for n, at in enumerate(late)])
        sent += len(late)
        clock.ns += chance.randrange(50_000_000)
        lines, cursor = store.follow(app_id, cursor, ALL)
        shown += lines
    clock.ns += SECOND_NS
    shown += drain(store, app_id, cursor)[0]
    assert sorted(int(text) for text in texts(shown)) == list(range(sent))
    assert [one.at_ns for one in shown] == sorted(one.at_ns for one in shown)


def test_a_clock_that_is_ahead_holds_nothing_up(store: FileLogStore, app_id: UUID, clock: Clock):
    """Lines from an hour ahead are shown at once, and once."""
    store.append(app_id, [line(clock.ns + 3600 * SECOND_NS, "ahead"), line(clock.ns, "now")])
    lines, cursor = store.follow(app_id, "0", ALL)
    assert texts(lines) == ["now", "ahead"]
    clock.ns += SECOND_NS
    assert store.follow(app_id, cursor, ALL)[0] == []


def test_the_log_is_bounded_and_its_cursor_survives(tmp_path: Path, app_id: UUID):
    """Old lines go when the limit is reached; a cursor into them goes on behind a count."""
    store = FileLogStore(tmp_path, 80_000)
    store.append(app_id, [line(0, "first")])
    _, old = store.tail(app_id, 1, ALL)
    for n in range(1, 3000):
        store.append(app_id, [line(n, f"{n} {'x' * 80}")])
    kept = sum(path.stat().st_size for path in tmp_path.glob("*/*.log"))
    assert 60_000 < kept <= 90_000
    lines, _ = drain(store, app_id, old)
    assert lines[0].text.startswith("Error L10 (output buffer overflow): ")
    assert lines[0].text.endswith(" bytes of this log dropped before here.")
    numbers = [int(text.split()[0]) for text in texts(lines[1:])]
    assert numbers == list(range(numbers[0], 3000))
    assert len(store.tail(app_id, 100, ALL)[0]) == 100


def test_a_batch_larger_than_a_segment_is_kept_whole(tmp_path: Path, app_id: UUID):
    """One call with more than an eighth of the limit loses nothing."""
    store = FileLogStore(tmp_path, 800_000)
    store.append(app_id, [line(n, "x" * 200) for n in range(2000)])
    assert len(list(tmp_path.glob("*/*.log"))) > 3
    assert [one.at_ns for one in drain(store, app_id)[0]] == list(range(2000))


@pytest.mark.parametrize("cursor", ["", "x", "1-2", "-1", "1" * 40, "1-2-3-4", "٣"])
def test_a_made_up_cursor_is_refused(store: FileLogStore, app_id: UUID, cursor: str):
    """What no call returned is no position, and says so with a 400."""
    with pytest.raises(BadRequest, match="not a position"):
        store.follow(app_id, cursor, ALL)


def test_a_cursor_beyond_the_end_starts_over(store: FileLogStore, app_id: UUID):
    """When the log was made anew after a cursor, all of the new one is shown."""
    store.append(app_id, [line(1, "old" * 100)])
    _, cursor = store.tail(app_id, 1, ALL)
    store.forget(app_id)
    store.append(app_id, [line(2, "new")])
    assert texts(drain(store, app_id, cursor)[0]) == ["new"]


def test_the_newest_line_of_a_process_is_found(store: FileLogStore, app_id: UUID):
    """Its time and all texts of that time; lines of others and about it do not count."""
    store.append(app_id, [line(5, "a"), line(7, "b"), line(7, "c"), line(6, "d")])
    store.append(app_id, [line(8, "e app web.1 f", "web.10"), line(9, "up", "web.1", "heroku")])
    store.append(app_id, [line(n, "x" * 100, "web.2") for n in range(10, 3000)])
    assert store.last_at_ns(app_id, "web.1") == (7, ("b", "c"))
    assert store.last_at_ns(app_id, "web.3") == (0, ())


def test_words_are_found_since_a_moment(store: FileLogStore, app_id: UUID):
    """In the order of time, of the source and process asked for, across blocks of the log."""
    filler = [line(n, "x" * 100) for n in range(30, 3000)]
    said = [line(n, f"at=error code=H1{n}", "router", "heroku") for n in (3, 5, 4)]
    store.append(app_id, [*said, line(6, "code=H19"), line(7, "code", "router", "heroku"), *filler])
    store.append(app_id, [line(3001, "code=H12", "router", "heroku")])

    found = store.holding(app_id, "code=H", LogFilter("heroku", "router"), 4)
    assert texts(found) == ["at=error code=H14", "at=error code=H15", "code=H12"]
    assert store.holding(uuid4(), "code=H", ALL, 0) == []


def test_forgotten_is_gone(store: FileLogStore, app_id: UUID, tmp_path: Path):
    """Nothing of a forgotten app stays on disk, and a new line starts a new log."""
    store.append(app_id, [line(1, "a")])
    store.forget(app_id)
    assert list((tmp_path / "logs").iterdir()) == []
    store.append(app_id, [line(2, "b")])
    assert texts(store.tail(app_id, 10, ALL)[0]) == ["b"]


def test_a_torn_record_is_left_out_and_mended(store: FileLogStore, app_id: UUID, tmp_path: Path):
    """What a kill left half-written is not shown, and spoils nothing that comes after it."""
    store.append(app_id, [line(1, "a")])
    with newest_segment(tmp_path).open("ab") as segment:
        segment.write(b"2 app web.1 tor")
    lines, cursor = store.tail(app_id, 10, ALL)
    assert texts(lines) == ["a"]
    store.append(app_id, [line(3, "b")])
    assert texts(store.follow(app_id, cursor, ALL)[0]) == ["b"]
    assert texts(store.tail(app_id, 10, ALL)[0]) == ["a", "b"]


def test_damage_is_passed_over(store: FileLogStore, app_id: UUID, tmp_path: Path):
    """Bytes that are no record, short or very long, hide only themselves."""
    store.append(app_id, [line(1, "a")])
    with newest_segment(tmp_path).open("ab") as segment:
        segment.write(b"\0" * 3_000_000 + b"\n\xff\n9 app\n1e5 app web.1 x\n" + b"7" * 5000)
        segment.write(b" app web.1 x\n5 nobody web.1 x\n")
    store.append(app_id, [line(2, "b")])
    assert texts(drain(store, app_id)[0]) == ["a", "b"]
    assert texts(store.tail(app_id, 10, ALL)[0]) == ["a", "b"]
    assert store.last_at_ns(app_id, "web.1") == (2, ("b",))


def test_a_full_disk_is_counted(store: FileLogStore, app_id: UUID, clock: Clock, tmp_path: Path):
    """A batch that does not fit leaves nothing behind; the next that does says how many went."""
    began = "2023-11-14T22:13:20.000000+00:00"
    store.append(app_id, [line(1, "before")])
    with files_no_longer_than(2000):
        for n in range(3):
            store.append(app_id, [line(clock.ns, f"{n}" * 100) for _ in range(50)])
    assert texts(store.tail(app_id, 10, ALL)[0]) == ["before"]
    other_process = FileLogStore(tmp_path / "logs", 1 << 20, now_ns=clock)
    other_process.append(app_id, [line(clock.ns + 1, "after")])
    assert texts(store.tail(app_id, 10, ALL)[0]) == [
        "before",
        f"Error L10 (output buffer overflow): 150 messages dropped since {began}.",
        "after",
    ]
    store.append(app_id, [line(clock.ns + 2, "later")])
    assert texts(store.tail(app_id, 1, ALL)[0]) == ["later"]


def test_a_full_disk_is_counted_before_the_first_line(store: FileLogStore, app_id: UUID):
    """Lines of an app whose log could not even be made are counted too."""
    with files_no_longer_than(0):
        store.append(app_id, [line(1, "lost"), line(1, "lost")])
    store.append(app_id, [line(2, "kept")])
    notice, kept = sorted(texts(store.tail(app_id, 10, ALL)[0]))
    assert notice.startswith("Error L10 (output buffer overflow): 2 messages dropped since ")
    assert kept == "kept"


def test_processes_append_at_once(tmp_path: Path, app_id: UUID):
    """Four processes' lines are all there, each one's in its order; a reader sees each once."""
    writers = [writer(tmp_path, app_id, f"web.{n}", 100) for n in range(4)]
    store = FileLogStore(tmp_path, 64 << 20)
    cursor, seen = "0", []
    while any(one.poll() is None for one in writers):
        lines, cursor = store.follow(app_id, cursor, ALL)
        seen += lines
        time.sleep(0.01)
    assert [one.wait() for one in writers] == [0, 0, 0, 0]
    until = time.monotonic() + 10
    while len(seen) < 4000 and time.monotonic() < until:
        lines, cursor = store.follow(app_id, cursor, ALL)
        seen += lines
    for one in writers:
        one.stdout.close()
    for n in range(4):
        own = [one.text for one in seen if one.process == f"web.{n}"]
        assert [int(text.split()[0]) for text in own] == list(range(1000))


def test_a_killed_writer_leaves_a_sound_log(tmp_path: Path, app_id: UUID):
    """After kill -9 in mid-append every line is whole and in order, and others go on writing."""
    store = FileLogStore(tmp_path, 64 << 20)
    chance = random.Random(7)
    for round_number in range(5):
        process = f"web.{round_number}"
        with writer(tmp_path, app_id, process, 1_000_000) as killed:
            assert killed.stdout.readline() == "writing\n"
            time.sleep(chance.random() / 20)
            killed.send_signal(signal.SIGKILL)
        store.append(app_id, [line(time.time_ns(), "goes on", "clock.1")])
        at_ns, last = store.last_at_ns(app_id, process)
        assert at_ns > 0
        assert len(last) == 1
    found = sorted(store.tail(app_id, 1500, LogFilter(process="web"))[0], key=lambda one: one.at_ns)
    assert all(one.text.endswith("x" * 80) for one in found)
    everything: list[LogLine] = []
    cursor = "0"
    until = time.monotonic() + 20
    while texts(everything).count("goes on") < 5 and time.monotonic() < until:
        lines, cursor = store.follow(app_id, cursor, ALL)
        everything += lines
    for round_number in range(5):
        own = [one.text for one in everything if one.process == f"web.{round_number}"]
        assert [int(text.split()[0]) for text in own] == list(range(len(own)))
