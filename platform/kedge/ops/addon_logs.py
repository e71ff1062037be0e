"""What an add-on's provider writes into the logs of the apps that have it.

The address it writes to is a long random word, and is the permission. It is made of a key of the
installation, so that it is the same whenever it is told again.
"""

from __future__ import annotations

import hmac
import re
import uuid
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from kedge.engine.protocols import LogLine
from kedge.errors import InvalidParams, NotFound
from kedge.model.addon import ALIVE, Addon, Attachment
from kedge.ops.services import Services
from kedge.ops.snapshots import digest_key
from kedge.vault import keyed_digest

MOST_LINES = 1000
# <length> <PRI>VERSION TIMESTAMP HOST APP PROCID MSGID [STRUCTURED-DATA] TEXT
# RFC 5424 in frames of RFC 6587, as Heroku's Logplex takes it: most leave the structured data out.
_FRAME = re.compile(rb"(\d{1,6}) ")
_HEADER = re.compile(r"<\d{1,3}>1 (\S+) (\S+) (\S+) (\S+) (\S+) ?(.*)", re.DOTALL)
_PROCESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def token_of(services: Services, tx: Session, addon_id: uuid.UUID) -> str:
    """The word in an add-on's log address."""
    return keyed_digest(digest_key(services, tx), f"log input of {addon_id}".encode())


def write(services: Services, addon_id: uuid.UUID, token: str, payload: bytes) -> int:
    """Write a provider's lines to the logs of the apps that have its add-on; how many.

    Raises:
        NotFound: no such address, or the add-on is gone.
        InvalidParams: not in syslog frames, or too many.
    """
    with services.database.transaction() as tx:
        wanted = token_of(services, tx, addon_id)
        addon = tx.get(Addon, addon_id)
        known = hmac.compare_digest(wanted.encode(), token.encode("utf-8", "replace"))
        if addon is None or not known or addon.state not in ALIVE:
            raise NotFound.of("log_input", "There is no such address for logs.")
        held = select(Attachment.app_id).where(Attachment.addon_id == addon_id).distinct()
        app_ids = list(tx.scalars(held))
    usual = addon.service.name.removeprefix("heroku-")
    at_ns = int(services.now().timestamp() * 1_000_000) * 1000
    lines = [
        LogLine(at_ns + number, "app", process or usual, text)
        for number, (process, text) in enumerate(_messages(payload))
    ]
    for app_id in app_ids:
        services.logs.append(app_id, lines)
    return len(lines)


def _messages(payload: bytes) -> list[tuple[str | None, str]]:
    found = [_message(frame) for frame in _frames(payload)]
    if len(found) > MOST_LINES:
        raise InvalidParams(f"At most {MOST_LINES} lines may be sent at once.")
    return found


def _frames(payload: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(payload):
        size = _FRAME.match(payload, at)
        if size is None or size.end() + int(size[1]) > len(payload):
            raise InvalidParams("Lines come as syslog frames: the length, a blank, the message.")
        at = size.end() + int(size[1])
        yield payload[size.end() : at]


def _message(frame: bytes) -> tuple[str | None, str]:
    """The process and text of a message; a process only where it can be one."""
    parts = _HEADER.match(frame.decode("utf-8", "replace"))
    if parts is None:
        raise InvalidParams("Each frame holds a syslog message as RFC 5424 has them.")
    process = parts[4] if _PROCESS.fullmatch(parts[4]) and parts[4] != "-" else None
    return process, parts[6].removeprefix("- ").rstrip("\n")
