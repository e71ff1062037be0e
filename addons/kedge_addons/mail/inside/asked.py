"""What the provider asks an inbox: a command, with a JSON object on standard input.

    python3 -m kedge_addons.mail.inside.asked COMMAND

Commands: page, show, raw, part, delete, clear, usage, credentials. The answer is JSON, but for
`raw` and `part`, which are the bytes themselves. Exit status 4: there is no such letter.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from kedge_addons.mail.inside import reading
from kedge_addons.mail.inside.credentials import Credentials
from kedge_addons.mail.inside.letters import Letters

UNKNOWN = 4


def answer(letters: Letters, credentials: Credentials, command: str, asked: dict[str, Any]) -> Any:
    """The answer to one command: bytes, or what JSON has; None: there is no such letter."""
    match command:
        case "page":
            return letters.page(asked.get("search") or "", asked.get("before"))
        case "usage":
            return letters.usage()
        case "delete":
            letters.delete(asked["id"])
        case "clear":
            letters.clear(asked["until"])
        case "credentials":
            credentials.keep(asked["allowed"])
        case _:
            return _of_letter(letters, command, asked)
    return {}


def _of_letter(letters: Letters, command: str, asked: dict[str, Any]) -> Any:
    raw, known = letters.raw(asked["id"]), letters.find(asked["id"])
    if raw is None or known is None:
        return None
    if command == "show":
        return known | reading.shown(raw)
    return raw if command == "raw" else reading.part(raw, asked["number"])


def main() -> int:
    """Answer one command."""
    folder = Path(os.environ["MAIL_FOLDER"])
    asked = json.loads(sys.stdin.read() or "{}")
    found = answer(Letters(folder), Credentials(folder), sys.argv[1], asked)
    if found is None:
        return UNKNOWN
    written = found if isinstance(found, bytes) else json.dumps(found).encode()
    sys.stdout.buffer.write(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
