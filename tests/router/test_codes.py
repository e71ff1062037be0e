import pytest

from kedge_router.codes import DESCRIPTIONS, Ending, Outcome, outcome

FIRST_BYTE_MS = 30_000
SHORT_UPLOAD = {"content_length": 1000, "uploaded": 400}

TABLE = [
    # state, what else is known, code, status
    ("--", {"status": 200}, None, 200),
    ("--", {"status": 503}, None, 503),  # the app's own answer
    ("LR", {"status": 503, "code": "H80"}, "H80", 503),
    ("LR", {"status": 404}, None, 404),
    ("PR", {"status": 400}, "H26", 400),
    ("CR", {}, "H27", 499),
    ("cR", {"status": 408}, "H28", 499),
    ("sQ", {}, "H11", 503),
    ("CQ", {}, "H27", 499),
    ("SC", {"server": "<NOSRV>"}, "H14", 503),
    ("SC", {}, "H21", 503),
    ("sC", {}, "H19", 503),
    ("CC", {}, "H27", 499),
    ("SH", {"active_ms": 30_001}, "H12", 503),
    ("SH", {"active_ms": 12}, "H13", 503),
    ("sH", {}, "H12", 503),
    ("sH", SHORT_UPLOAD, "H28", 499),
    ("PH", {}, "H17", 503),
    ("CH", {}, "H27", 499),
    ("sD", {"status": 200, "response_ms": 5}, "H15", 200),
    ("SD", {"status": 200, "response_ms": 5}, "H18", 200),
    ("SD", {}, "H18", 503),  # during the upload: no response at all
    ("SD", {"status": 413, "response_ms": 5, **SHORT_UPLOAD}, None, 413),
    ("CD", {"status": 200, "response_ms": 5}, None, 200),  # the visitor left in mid-download
    ("CD", {}, "H27", 499),
    ("cD", {}, "H28", 499),
    ("cD", {"status": 101, "response_ms": 5}, None, 101),
    ("KH", {}, "H24", 503),
    ("KD", {"status": 200, "response_ms": 5}, "H24", 503),
    ("DD", {}, "H24", 503),
    ("RC", {}, "H99", 503),
    ("IH", {}, "H99", 503),
]


class TestOutcome:
    @pytest.mark.parametrize(("state", "known", "code", "status"), TABLE)
    def test_state_has_its_code(self, state, known, code, status):
        """Every way a request can end has Heroku's code and status."""
        ending = Ending(state, **{"status": -1, "server": "web.1-a", **known})
        assert outcome(ending, FIRST_BYTE_MS) == Outcome(code, status)

    def test_every_code_has_its_words(self):
        """Each code that can come out has a description for the log line."""
        assert {code for _, _, code, _ in TABLE if code} <= DESCRIPTIONS.keys()
