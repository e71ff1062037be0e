"""Notices: what a page says of the form sent before it, once.

They travel in a cookie sealed by the session's key, so that they survive the redirect to any
process and nobody else can make one. Never put a secret into one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Literal

from flask import Response

from kedge.dashboard import cookies

Tone = Literal["good", "bad", "note"]
LIMIT = 600


@dataclass(frozen=True, slots=True)
class Notice:
    """Words for the reader. `tone` is how they are meant."""

    words: str
    tone: Tone = "good"


def leave(response: Response, key: bytes, notice: Notice) -> None:
    """Have the next page show a notice."""
    told = json.dumps([notice.words[:LIMIT], notice.tone]).encode()
    packed = base64.urlsafe_b64encode(told).decode()
    cookies.keep(response, cookies.NOTICE, f"{packed}.{_seal(key, told)}", cookies.NOTICE_SECONDS)


def waiting(key: bytes) -> Notice | None:
    """The notice left for this page, if any."""
    packed, _, seal = (cookies.get(cookies.NOTICE) or "").partition(".")
    try:
        told = base64.urlsafe_b64decode(packed)
    except (binascii.Error, ValueError):
        return None
    if not packed or not hmac.compare_digest(seal.encode(), _seal(key, told).encode()):
        return None
    words, tone = json.loads(told)
    return Notice(words, tone)


def _seal(key: bytes, told: bytes) -> str:
    return hmac.new(key, b"notice " + told, hashlib.sha256).hexdigest()
