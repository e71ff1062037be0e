"""Who may send to an inbox: digests of passwords, some of which are good for a while only."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any


class Credentials:
    """Those of one inbox, in a file that is read at each sign-in."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "credentials.json"

    def keep(self, allowed: list[dict[str, Any]]) -> None:
        """Let these in, and nobody else: `login`, `password`, `until` (seconds, or null)."""
        rows = [[_digest(each["login"], each["password"]), each.get("until")] for each in allowed]
        written = self._file.with_suffix(".new")
        written.write_text(json.dumps(rows))
        written.replace(self._file)

    def are_good(self, login: bytes, password: bytes) -> bool:
        """Whether somebody may send."""
        shown = _digest(login.decode("utf-8", "replace"), password.decode("utf-8", "replace"))
        try:
            rows = json.loads(self._file.read_text())
        except FileNotFoundError:
            return False
        good = [row for row in rows if row[1] is None or row[1] > time.time()]
        return any(hmac.compare_digest(shown, row[0]) for row in good)


def _digest(login: str, password: str) -> str:
    # Passwords are 192 random bits: no slow digest is needed to keep them from being guessed.
    return hashlib.sha256(f"{login}\0{password}".encode()).hexdigest()
