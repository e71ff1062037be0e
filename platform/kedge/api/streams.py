"""Answers that last: whether the client still listens."""

from __future__ import annotations

import select
import socket
from typing import Any


def has_left(environ: dict[str, Any]) -> bool:
    """Whether the client closed its connection, asked in a silence.

    Without it, a silent stream would keep its thread for somebody who is gone. Under a server that
    does not show its socket the answer is no.
    """
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket):
        return False
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
