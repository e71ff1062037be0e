import json

import pytest

from kedge_router.access import Access, dyno_name

RECORD = {
    "at_us": 1_700_000_000_000_001,
    "app": "id1",
    "method": "GET",
    "host": "shop.test",
    "request_id": "0123456789abcdef0123",
    "fwd": "1.2.3.4",
    "server": "web.1-3f2a",
    "code": "-",
    "state": "--",
    "status": 200,
    "bytes": 49,
    "uploaded": 80,
    "content_length": "-",
    "request_ms": 0,
    "queue_ms": 0,
    "connect_ms": 1,
    "response_ms": 2,
    "active_ms": 6,
    "proto": "https",
    "tls": "TLSv1.3",
    "path": '/x?y="1"',
}


def access(**changes):
    return Access.parse(json.dumps({**RECORD, **changes}), 30_000)


class TestText:
    def test_request_reads_as_herokus(self):
        """A request's line has Heroku's keys in Heroku's order."""
        assert access().text == (
            'at=info method=GET path="/x?y=%221%22" host=shop.test'
            ' request_id=0123456789abcdef0123 fwd="1.2.3.4" dyno=web.1 connect=1ms service=5ms'
            " status=200 bytes=49 protocol=https tls=true tls_version=tls1.3"
        )

    def test_error_names_code_and_words(self):
        """An error's line begins with its code; what never was is empty."""
        text = access(
            state="LR",
            code="H10",
            server="<NOSRV>",
            status=503,
            connect_ms=-1,
            proto="http",
            tls="-",
        ).text
        assert text.startswith('at=error code=H10 desc="App crashed" method=GET ')
        assert text.endswith(" dyno= connect= service= status=503 bytes= protocol=http tls=false")

    def test_maintenance_is_no_error(self):
        """H80 is information, as on Heroku."""
        assert access(state="LR", code="H80").text.startswith("at=info code=H80 ")

    def test_side_that_went_away_comes_first(self):
        """H18 and H27 say whose socket it was."""
        assert access(state="SD").text.startswith("sock=backend at=error code=H18 ")
        left = access(state="CH", response_ms=-1)
        assert left.text.startswith("sock=client at=warning code=H27 ")


class TestParse:
    @pytest.mark.parametrize(
        "line", ["Server slot_0001/web.1 is UP", "", json.dumps(RECORD | {"app": "-"})]
    )
    def test_other_lines_are_no_requests(self, line):
        """HAProxy's notices and requests that reached no app are in no app's log."""
        assert Access.parse(line, 30_000) is None

    def test_torn_line_is_an_error(self):
        """A line cut short is told apart from a notice, so that it can be counted."""
        with pytest.raises(ValueError, match="Unterminated"):
            Access.parse('{"at_us":17, "app', 30_000)

    def test_time_is_the_end(self):
        """A line bears the time its request ended, in nanoseconds."""
        assert access().at_ns == 1_700_000_000_000_001_000

    @pytest.mark.parametrize(
        ("server", "dyno"),
        [("web.1-3f2a", "web.1"), ("my-web.2-x", "my-web.2"), ("web.1", "web.1")],
    )
    def test_suffix_is_stripped(self, server, dyno):
        """What follows the last dash of a server's name is not the dyno's."""
        assert dyno_name(server) == dyno
