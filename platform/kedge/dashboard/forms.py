"""Forms: that they come from our own pages, from this person's session, and count once.

Every form carries a token: a fresh number, and its HMAC with the session's key. A second request
with the same number and the same content is a double click: it gets the first one's answer.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from flask import Request, Response

from kedge.errors import Forbidden

FIELD = "token"
KEPT = 2000
WAIT_SECONDS = 30.0
_FOREIGN = (
    "This form did not come from the dashboard itself, so nothing was changed. "
    "Open the page again and send it from there."
)
_STALE = (
    "This form belongs to a session that is over, so nothing was changed. "
    "Go back, load the page again, and send it from there."
)


def token(key: bytes) -> str:
    """A token for a form of the session with this key."""
    number = secrets.token_hex(12)
    return f"{number}.{_proof(key, number)}"


def check(request: Request, key: bytes) -> None:
    """That a form is ours. Raises Forbidden."""
    check_origin(request)
    number, _, proof = request.form.get(FIELD, "").partition(".")
    if not hmac.compare_digest(proof.encode(), _proof(key, number).encode()):
        raise Forbidden(_STALE)


def check_origin(request: Request) -> None:
    """That a request comes from one of our own pages. Raises Forbidden.

    Apps live on neighbouring host names, so the same site is not enough: browsers say whether it is
    the same origin (Sec-Fetch-Site), and which one it is (Origin, else Referer).
    """
    told = request.headers.get("Sec-Fetch-Site")
    if told is not None and told != "same-origin":
        raise Forbidden(_FOREIGN)
    origin = request.headers.get("Origin") or request.headers.get("Referer", "")
    if urlsplit(origin).netloc != request.host:
        raise Forbidden(_FOREIGN)


def _proof(key: bytes, number: str) -> str:
    return hmac.new(key, b"form " + number.encode(), hashlib.sha256).hexdigest()[:40]


@dataclass(slots=True)
class Sent:
    """A form that was sent: its answer, once there is one."""

    answered: threading.Event = field(default_factory=threading.Event)
    response: Response | None = None


class Ledger:
    """The forms sent lately to this process, so that a double click counts once."""

    def __init__(self) -> None:
        self._sent: OrderedDict[bytes, Sent] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, key: bytes) -> Sent | None:
        """None for a form that comes the first time, else the one that was sent before."""
        with self._lock:
            before = self._sent.get(key)
            if before is None:
                self._sent[key] = Sent()
                while len(self._sent) > KEPT:
                    self._sent.popitem(last=False)
        if before is not None:
            before.answered.wait(WAIT_SECONDS)
            if before.response is None:  # refused, or broken: it may be sent again
                return None
        return before

    def end(self, key: bytes, response: Response | None) -> None:
        """The answer, when it was accepted; a refused form may be sent again."""
        is_done = response is not None and response.status_code in (302, 303)
        with self._lock:
            sent = self._sent.get(key) if is_done else self._sent.pop(key, None)
        if sent:
            sent.response = response if is_done else None
            sent.answered.set()


def fingerprint(request: Request) -> bytes:
    """What a form's second sending has in common with its first: token, address and content."""
    digest = hashlib.sha256(request.full_path.encode())
    for name, value in sorted(request.form.items(multi=True)):
        digest.update(f"{len(name)}:{name}={len(value)}:{value};".encode("utf-8", "surrogatepass"))
    return digest.digest()
