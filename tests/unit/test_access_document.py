"""docs/access.md against the code: how long what somebody was given is good."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from kedge.ops import grants, sessions, sign_in_links, users
from kedge.plan.scopes import Scope

DOCUMENT = Path(__file__).parents[2] / "docs" / "access.md"
NUMBERS = {"five": 5, "seven": 7, "eight": 8, "ten": 10, "fifty": 50}


def numbers_of(begin):
    """The numbers of the row that begins so."""
    (row,) = [each for each in DOCUMENT.read_text("utf-8").splitlines() if each.startswith(begin)]
    return [NUMBERS.get(word) or int(word) for word in re.findall(r"\w+", row.split("|")[2])
            if word in NUMBERS or word.isdecimal()]  # fmt: skip


def test_how_long_is_as_it_is_written():
    """Each time and each count of the table is the code's."""
    assert numbers_of("| An invitation") == [users.INVITED.days]
    assert numbers_of("| A sign-in link") == [sign_in_links.VALID / timedelta(minutes=1)]
    assert numbers_of("| A session") == [sessions.IDLE.days, sessions.LONGEST.days]
    assert numbers_of("| Having just") == [sessions.CONFIRMED / timedelta(minutes=1)]
    assert numbers_of("| An add-on's") == [round(grants.ACCESS_VALID / timedelta(hours=1))]
    assert numbers_of("| Wrong passwords") == [
        sessions.FAILURES_BY_ACCOUNT, sessions.FAILURES_BY_ADDRESS,
        sessions.WINDOW / timedelta(minutes=1),
    ]  # fmt: skip


def test_every_scope_is_explained():
    """The scopes of the table are those there are, in one order."""
    rows = re.findall(r"^\| ([a-z-]+) \| [A-Z]", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert sorted(set(rows) & set(Scope)) == sorted(Scope)
