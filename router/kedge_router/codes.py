"""From the state in which HAProxy ended a request to Heroku's router error code."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

DESCRIPTIONS = {
    "H10": "App crashed",
    "H11": "Backlog too deep",
    "H12": "Request timeout",
    "H13": "Connection closed without response",
    "H14": "No web processes running",
    "H15": "Idle connection",
    "H17": "Poorly formatted HTTP response",
    "H18": "Server Request Interrupted",
    "H19": "Backend connection timeout",
    "H20": "App boot timeout",
    "H21": "Backend connection refused",
    "H24": "Forced close",
    "H26": "Request Error",
    "H27": "Client Request Interrupted",
    "H28": "Client Connection Idle",
    "H80": "Maintenance mode",
    "H81": "Blank app",
    "H99": "Platform error",
}
"""Heroku's words for each code, as they stand after `desc=` in a log line."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How one request ended, in HAProxy's terms (configuration manual, section 8.5)."""

    state: str
    """Termination state: who ended it, in which phase (`%ts`)."""
    status: int
    """Status sent to the client, -1 when none was."""
    server: str
    """The server's name, `<NOSRV>` when none was chosen."""
    code: str | None = None
    """The code decided in the configuration before a server was chosen."""
    response_ms: int = -1
    """Time until the response's head was complete (`%Tr`), -1 if it never was."""
    active_ms: int = 0
    """Time from the request's first byte to the end (`%Ta`)."""
    uploaded: int = 0
    """Bytes read from the client, head included."""
    content_length: int | None = None

    @property
    def upload_is_short(self) -> bool:
        """Whether the client announced more than it sent."""
        return self.content_length is not None and self.uploaded < self.content_length


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the app's log says of a request: the error's code, if any, and the status."""

    code: str | None
    status: int


def outcome(ending: Ending, first_byte_ms: int) -> Outcome:
    """The Heroku code and status of a request that ended as `ending`.

    The table was made by provoking each code against HAProxy 2.6; the tests do it again.
    """
    if ending.code:
        return Outcome(ending.code, 503)
    rule = next(rule for states, rule in RULES if fnmatchcase(ending.state[:2], states))
    return rule(ending, first_byte_ms)


def _complete(ending: Ending, _first_byte_ms: int) -> Outcome:
    return Outcome(None, ending.status)


def _refused(ending: Ending, _first_byte_ms: int) -> Outcome:
    return Outcome("H26", ending.status)


def _forced(_ending: Ending, _first_byte_ms: int) -> Outcome:
    return Outcome("H24", 503)


def _queued(_ending: Ending, _first_byte_ms: int) -> Outcome:
    return Outcome("H11", 503)


def _unconnected(ending: Ending, _first_byte_ms: int) -> Outcome:
    if ending.state[0] == "s":
        return Outcome("H19", 503)
    return Outcome("H14" if ending.server == "<NOSRV>" else "H21", 503)


def _client_left(ending: Ending, _first_byte_ms: int) -> Outcome:
    """A client may leave while it is answered; before that the request was in vain."""
    if ending.response_ms >= 0:
        return Outcome(None, ending.status)
    return Outcome("H27", 499)


def _client_idle(ending: Ending, _first_byte_ms: int) -> Outcome:
    if ending.response_ms >= 0:
        return Outcome(None, ending.status)
    return Outcome("H28", 499)


def _server_idle(ending: Ending, _first_byte_ms: int) -> Outcome:
    """The dyno's time was up; it had the whole request, or the client never sent all of it."""
    return Outcome("H28", 499) if ending.upload_is_short else Outcome("H12", 503)


def _server_left(ending: Ending, first_byte_ms: int) -> Outcome:
    """No head of a response came; our own limit closes the dyno's side as the dyno would."""
    return Outcome("H12" if ending.active_ms >= first_byte_ms else "H13", 503)


def _garbage(_ending: Ending, _first_byte_ms: int) -> Outcome:
    return Outcome("H17", 503)


def _silent(ending: Ending, _first_byte_ms: int) -> Outcome:
    return Outcome("H12", 503) if ending.response_ms < 0 else Outcome("H15", ending.status)


def _cut(ending: Ending, _first_byte_ms: int) -> Outcome:
    """The dyno closed in the middle, unless it had answered early (413) and hung up."""
    if ending.response_ms >= 0 and ending.upload_is_short:
        return Outcome(None, ending.status)
    return Outcome("H18", ending.status if ending.status > 0 else 503)


def _unforeseen(_ending: Ending, _first_byte_ms: int) -> Outcome:
    return Outcome("H99", 503)


RULES: tuple[tuple[str, Callable[[Ending, int], Outcome]], ...] = (
    ("--", _complete),
    ("LR", _complete),
    ("PR", _refused),  # no complete head of a request
    ("cR", _client_idle),
    ("?R", _client_left),
    ("[KDU]?", _forced),  # sessions were shut down, or the server was marked down
    ("C[QCHDL]", _client_left),
    ("c[QCHDL]", _client_idle),
    ("?Q", _queued),
    ("[Ss]C", _unconnected),
    ("sH", _server_idle),  # connected, and waiting for the head of a response
    ("SH", _server_left),
    ("PH", _garbage),
    ("s[DL]", _silent),  # the answer has begun
    ("S[DL]", _cut),
    ("??", _unforeseen),
)
"""The first that matches HAProxy's state: who ended it, and in which phase."""
