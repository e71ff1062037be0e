"""The letters of one inbox, in SQLite. The newest are kept, as many as the plan has."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from kedge_addons.mail.inside.reading import summary

PAGE = 50
WORDS = 10
TABLE = """
CREATE TABLE IF NOT EXISTS letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, sender TEXT NOT NULL,
    recipients TEXT NOT NULL, subject TEXT NOT NULL, words TEXT NOT NULL,
    attachments INTEGER NOT NULL, size INTEGER NOT NULL, raw BLOB NOT NULL
)
"""
ADD = """
INSERT INTO letters (at, sender, recipients, subject, words, attachments, size, raw)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
# One word that is searched for, and the place before which a page begins, are asked for by value.
PAGE_OF = """
SELECT id, at, sender, recipients, subject, attachments, size FROM letters AS letter
WHERE (:before IS NULL OR id < :before) AND NOT EXISTS (
    SELECT 1 FROM json_each(:words) AS word WHERE instr(letter.words, word.value) = 0
) ORDER BY id DESC LIMIT :limit
"""
FIND = "SELECT id, at, sender, recipients, subject, attachments, size FROM letters WHERE id = ?"
BESIDE = """
SELECT (SELECT min(id) FROM letters WHERE id > ?1), (SELECT max(id) FROM letters WHERE id < ?1)
"""


class Letters:
    """Letters, of which the newest `messages`, together at most `total_bytes`, are kept."""

    def __init__(self, folder: Path, messages: int = 100, total_bytes: int = 10**8) -> None:
        self._file = folder / "mail.sqlite"
        self._messages, self._total_bytes = messages, total_bytes

    def add(self, sender: str, recipients: list[str], raw: bytes) -> int:
        """Keep a letter, and as many of those before it as there is room for; its number."""
        told, sender = summary(raw), _clean(sender)
        recipients = [_clean(each) for each in recipients]
        words = " ".join((told.subject, sender, *recipients, told.words)).lower()
        values = (
            time.time(), sender, json.dumps(recipients), told.subject, words, told.attachments,
            len(raw), raw,
        )  # fmt: skip
        with self._open() as tx:
            made = tx.execute(ADD, values)
            self._make_room(tx)
            return int(made.lastrowid or 0)

    def page(self, search: str = "", before: int | None = None) -> dict[str, Any]:
        """Letters with all these words, the newest first; whether there are more; the usage."""
        words = [word.lower() for word in search.split()[:WORDS]]
        given = {"before": before, "words": json.dumps(words), "limit": PAGE + 1}
        with self._open() as tx:
            rows = tx.execute(PAGE_OF, given).fetchall()
        return {"letters": [_told(row) for row in rows[:PAGE]], "has_more": len(rows) > PAGE,
                "usage": self.usage()}  # fmt: skip

    def find(self, number: int) -> dict[str, Any] | None:
        """What is known of a letter without reading it, and the numbers of those beside it."""
        with self._open() as tx:
            row = tx.execute(FIND, (number,)).fetchone()
            newer, older = tx.execute(BESIDE, (number,)).fetchone()
        return _told(row) | {"newer": newer, "older": older} if row else None

    def raw(self, number: int) -> bytes | None:
        """A letter as it came, None when there is none (any more)."""
        with self._open() as tx:
            row = tx.execute("SELECT raw FROM letters WHERE id = ?", (number,)).fetchone()
        return bytes(row[0]) if row else None

    def delete(self, number: int) -> None:
        """Remove a letter."""
        with self._open() as tx:
            tx.execute("DELETE FROM letters WHERE id = ?", (number,))

    def clear(self, until: int) -> None:
        """Remove all letters up to a number: what came since was not looked at."""
        with self._open() as tx:
            tx.execute("DELETE FROM letters WHERE id <= ?", (until,))

    def usage(self) -> dict[str, int]:
        """How many letters there are, and how large they are together, in bytes."""
        with self._open() as tx:
            query = "SELECT count(*), coalesce(sum(size), 0) FROM letters"
            count, size = tx.execute(query).fetchone()
        return {"messages": int(count), "size_bytes": int(size)}

    def _make_room(self, tx: sqlite3.Connection) -> None:
        newest = tx.execute("SELECT id, size FROM letters ORDER BY id DESC").fetchall()
        total = 0
        for place, (number, size) in enumerate(newest):
            total += size
            # The newest one always stays.
            if place and (place >= self._messages or total > self._total_bytes):
                tx.execute("DELETE FROM letters WHERE id <= ?", (number,))
                return

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=20)) as connection:
            connection.execute("PRAGMA auto_vacuum = FULL")
            connection.execute("PRAGMA journal_mode = WAL")
            with connection:
                connection.execute(TABLE)
                yield connection


def _told(row: tuple[Any, ...]) -> dict[str, Any]:
    number, at, sender, recipients, subject, attachments, size = row
    return {"id": number, "at": at, "sender": sender, "recipients": json.loads(recipients),
            "subject": subject, "attachments": attachments, "size": size}  # fmt: skip


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
