"""From the state in which HAProxy ended a request to Heroku's router error code."""

from dataclasses import dataclass

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
    who, phase = ending.state[:1], ending.state[1:2]
    if ending.state in ("--", "LR"):
        return Outcome(None, ending.status)
    if phase == "R":
        return _unrouted(who, ending)
    if who in "KDU":  # sessions shut down, or the server was marked down
        return Outcome("H24", 503)
    if phase == "Q":
        return Outcome("H27", 499) if who == "C" else Outcome("H11", 503)
    if ending.state in ("SC", "sC"):
        return _unconnected(who, ending)
    if who in "Cc":
        return _client_left(who, ending)
    if phase == "H":
        return _no_answer(who, ending, first_byte_ms)
    if phase in "DL" and who in "Ss":
        return _interrupted(who, ending)
    return Outcome("H99", 503)


def _unrouted(who: str, ending: Ending) -> Outcome:
    """The request's head was never complete, or was refused."""
    if who == "P":
        return Outcome("H26", ending.status)
    return Outcome("H28" if who == "c" else "H27", 499)


def _unconnected(who: str, ending: Ending) -> Outcome:
    if who == "s":
        return Outcome("H19", 503)
    return Outcome("H14" if ending.server == "<NOSRV>" else "H21", 503)


def _client_left(who: str, ending: Ending) -> Outcome:
    """A client may leave while it is answered; before that the request was in vain."""
    if ending.response_ms >= 0:
        return Outcome(None, ending.status)
    return Outcome("H28" if who == "c" else "H27", 499)


def _no_answer(who: str, ending: Ending, first_byte_ms: int) -> Outcome:
    """The dyno was connected, but no complete head of a response came."""
    if who == "s":
        return Outcome("H28", 499) if ending.upload_is_short else Outcome("H12", 503)
    if who == "S":  # our own limit on the first byte closes the dyno's side, as the dyno would
        return Outcome("H12" if ending.active_ms >= first_byte_ms else "H13", 503)
    return Outcome("H17", 503) if who == "P" else Outcome("H99", 503)


def _interrupted(who: str, ending: Ending) -> Outcome:
    """The dyno went away or fell silent in the middle of its answer."""
    if who == "s":
        return Outcome("H12", 503) if ending.response_ms < 0 else Outcome("H15", ending.status)
    if ending.response_ms >= 0 and ending.upload_is_short:  # answered early (413) and closed
        return Outcome(None, ending.status)
    return Outcome("H18", ending.status if ending.status > 0 else 503)
