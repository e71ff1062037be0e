"""What the provider asks a store: a command, with a JSON object on standard input.

    python3 -P -m kedge_addons.objectstore.inside.asked COMMAND

Commands: list, object, usage, keys. The answer is JSON, but for `object`, which is its bytes. Exit
status 4: there is no such folder or object.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from kedge_addons.objectstore.inside.keeper import USAGE
from kedge_addons.objectstore.inside.store import Store

UNKNOWN = 4


def answer(store: Store, command: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    """The answer to a command; None: there is no such folder."""
    if command == "list":
        listed = store.listed(asked["path"], asked.get("after") or "")
        return None if listed is None else listed | {"usage": _usage(store)}
    if command == "keys":
        store.keep_keys(asked["keys"])
        return {}
    return _usage(store)


def _usage(store: Store) -> dict[str, Any]:
    """As it was measured last."""
    try:
        found: dict[str, Any] = json.loads(USAGE.read_text())
    except FileNotFoundError:  # not yet
        return store.usage()
    return found


def main() -> int:
    """Answer one command."""
    store = Store(Path(os.environ["STORE_FOLDER"]))
    command, asked = sys.argv[1], json.loads(sys.stdin.read() or "{}")
    if command == "object":
        file = store.object(asked["path"])
        if file is None:
            return UNKNOWN
        with file.open("rb") as content:
            shutil.copyfileobj(content, sys.stdout.buffer)
        return 0
    found = answer(store, command, asked)
    if found is None:
        return UNKNOWN
    print(json.dumps(found))  # noqa: T201 - its answer
    return 0


if __name__ == "__main__":
    sys.exit(main())
