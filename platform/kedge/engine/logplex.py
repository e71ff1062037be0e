"""Log lines sent on to drains as Heroku's Logplex sends them: syslog messages, over HTTP or TCP.

https://devcenter.heroku.com/articles/log-drains: RFC 5424 without structured data, each message
behind its octet count (RFC 6587). A drain is somebody else's server: where it may be and how long
it may take is bounded as for providers.
"""

from __future__ import annotations

import socket
import ssl
import uuid
from collections.abc import Iterable, Sequence

import httpx

from kedge.engine.addresses import MayAsk, Resolve, addresses_of, is_public
from kedge.engine.checked_transport import Checked, NotAsked, trust
from kedge.engine.log_records import moment
from kedge.engine.protocols import LogLine
from kedge.errors import ProviderAway

ANSWER_SECONDS = 10.0
CONNECT_SECONDS = 3.0
TEXT_LIMIT_BYTES = 10_000
HOST = "host"  # what Logplex says at HTTP drains, whatever the app
SYSLOG_PORTS = {"syslog": 514, "syslog+tls": 6514}
# <PRI>: facility * 8 + severity, by who wrote the line.
OUTPUT, ROUTER, MANAGER = 190, 158, 45


class Logplex:
    """The `LogSender` of the protocols."""

    def __init__(
        self,
        *,
        may_ask: MayAsk = is_public,
        resolve: Resolve = addresses_of,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """`may_ask` says which addresses are sent to."""
        self._checked = Checked(may_ask, resolve)
        self._answer_seconds = answer_seconds

    def send(self, url: str, token: str, lines: Sequence[LogLine]) -> None:
        """Hand lines over, all of them; a drain that took them before it failed has them twice."""
        try:
            place = httpx.URL(url)
            if place.scheme in SYSLOG_PORTS:
                self._stream(place, framed(lines, token))
            else:
                self._post(place, token, lines)
        except NotAsked as error:
            raise ProviderAway(_shown(url), str(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ProviderAway(_shown(url), "it cannot be reached") from error

    def _post(self, place: httpx.URL, token: str, lines: Sequence[LogLine]) -> None:
        headers = {
            "Content-Type": "application/logplex-1",
            "Logplex-Msg-Count": str(len(lines)),
            "Logplex-Frame-Id": uuid.uuid4().hex.upper(),
            "Logplex-Drain-Token": token,
            "User-Agent": "Logplex/v72",
        }
        timeout = httpx.Timeout(self._answer_seconds, connect=CONNECT_SECONDS)
        transport = self._checked.transport_to(place)
        with (
            httpx.Client(transport=transport, timeout=timeout, follow_redirects=False) as client,
            client.stream("POST", place, content=framed(lines), headers=headers) as answer,
        ):
            if not answer.is_success:  # whatever else it says is not read
                reason = f"it answered with status {answer.status_code}"
                raise ProviderAway(_shown(str(place)), reason)

    def _stream(self, place: httpx.URL, frames: bytes) -> None:
        port = place.port or SYSLOG_PORTS[place.scheme]
        address = self._checked.addresses_of(place, port)[0]
        with socket.create_connection((address, port), CONNECT_SECONDS) as plain:
            plain.settimeout(self._answer_seconds)
            if place.scheme == "syslog":
                plain.sendall(frames)
                return
            with trust().wrap_socket(plain, server_hostname=place.host) as sealed:
                sealed.sendall(frames)
                _close(sealed)


def framed(lines: Iterable[LogLine], host: str = HOST) -> bytes:
    """The frames of these lines. `host` is the drain's token where they are sent by TCP."""
    return b"".join(_frame(_message(line, host)) for line in lines)


def _frame(message: bytes) -> bytes:
    return b"%d %s" % (len(message), message)


def _message(line: LogLine, host: str) -> bytes:
    head = f"<{_priority(line)}>1 {moment(line.at_ns)} {host} {line.source} {line.process} - "
    return head.encode() + line.text.encode("utf-8", "replace")[:TEXT_LIMIT_BYTES] + b"\n"


def _priority(line: LogLine) -> int:
    if line.source == "app":
        return OUTPUT
    return ROUTER if line.process == "router" else MANAGER


def _close(sealed: ssl.SSLSocket) -> None:
    """Say that this is all, so that the end is not taken for a broken connection."""
    try:
        sealed.unwrap()
    except OSError:
        return  # it had all of it, and hung up first


def _shown(url: str) -> str:
    """A drain without what may be secret in its address."""
    return httpx.URL(url).host
