"""Forms that count once."""

from __future__ import annotations

import threading

from flask import Response

from kedge.dashboard.forms import KEPT, Ledger

DONE = Response(status=303, headers={"Location": "/"})


def test_the_second_half_of_a_double_click_gets_the_first_s_answer():
    """It waits for it, however long that takes."""
    ledger, answers = Ledger(), []
    assert ledger.begin(b"form") is None
    second = threading.Thread(target=lambda: answers.append(ledger.begin(b"form")))
    second.start()
    ledger.end(b"form", DONE)
    second.join(10)
    assert answers[0].response is DONE
    assert ledger.begin(b"form").response is DONE
    assert ledger.begin(b"other") is None


def test_what_was_refused_may_be_sent_again():
    """Only an accepted form is done; one that broke is not either."""
    ledger = Ledger()
    for answer in (Response(status=422), None):
        assert ledger.begin(b"form") is None
        ledger.end(b"form", answer)
    assert ledger.begin(b"form") is None


def test_old_forms_are_forgotten():
    """It grows no further than it needs to."""
    ledger = Ledger()
    for number in range(KEPT + 5):
        ledger.begin(str(number).encode())
        ledger.end(str(number).encode(), DONE)
    assert ledger.begin(b"0") is None
    assert len(ledger._sent) == KEPT
