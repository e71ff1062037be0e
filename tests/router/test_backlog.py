import json
import threading

from kedge_router.access import Access
from kedge_router.backlog import Backlog
from router.test_access import RECORD

REQUEST = Access.parse(json.dumps(RECORD), 30_000)


def read(backlog, after, wait_seconds=0):
    answer = json.loads(backlog.read(after, wait_seconds))
    return [line["seq"] for line in answer["lines"]], answer["next"], answer["lost"]


class TestBacklog:
    def test_reader_goes_on_where_it_was(self):
        """`next` of one answer is `after` of the next one."""
        backlog = Backlog(10_000, first_seq=0)
        backlog.add([REQUEST, REQUEST])
        assert read(backlog, 0) == ([1, 2], 2, 0)
        assert read(backlog, 1) == ([2], 2, 0)
        assert read(backlog, 2) == ([], 2, 0)

    def test_overrun_is_counted(self):
        """Lines dropped for memory are counted for the reader that missed them."""
        backlog = Backlog(2_000, first_seq=0)
        backlog.add([REQUEST] * 50)
        lines, following, lost = read(backlog, 0)
        assert lines[-1] == following == 50
        assert len(lines) + lost == 50
        assert backlog.size_bytes <= 2_000

    def test_loss_before_is_counted(self):
        """Lines HAProxy could not write are lost in the same numbering."""
        backlog = Backlog(10_000, first_seq=0)
        backlog.add([REQUEST])
        backlog.lose(3)
        assert read(backlog, 0) == ([1], 4, 3)

    def test_numbers_of_an_earlier_agent_start_afresh(self):
        """A reader that followed the agent before gets everything this one has."""
        backlog = Backlog(10_000, first_seq=1000)
        backlog.add([REQUEST])
        assert read(backlog, 7) == ([1001], 1001, 0)
        assert read(backlog, 5000) == ([1001], 1001, 0)

    def test_reader_waits_for_a_line(self):
        """A long poll ends with the first line."""
        backlog = Backlog(10_000, first_seq=0)
        timer = threading.Timer(0.05, backlog.add, [[REQUEST]])
        timer.start()
        assert read(backlog, 0, wait_seconds=10) == ([1], 1, 0)
        timer.join()

    def test_answers_are_bounded(self):
        """A reader far behind gets the oldest lines first and is not said to have lost the rest."""
        backlog = Backlog(10_000_000, first_seq=0)
        backlog.add([REQUEST] * 5000)
        lines, following, lost = read(backlog, 0)
        assert following == lines[-1] < 5000
        assert lost == 0
