"""One request as the app's log tells it: HAProxy's record in, Heroku's router line out."""

import json
from dataclasses import dataclass
from typing import Any, Self

from .codes import DESCRIPTIONS, Ending, Outcome, outcome

NOT_ERRORS = {"H27": "warning", "H80": "info", "H81": "info"}
"""Codes whose lines Heroku does not begin with at=error."""
SOCKS = {"H18": "sock=backend ", "H27": "sock=client "}
"""Which side went away, named before all else."""


@dataclass(frozen=True, slots=True)
class Access:
    """One request to an app, ended."""

    at_ns: int
    """When it ended, nanoseconds since 1970."""
    app_id: str
    dyno: str
    """`web.1`, empty when no dyno was chosen."""
    outcome: Outcome
    connect_ms: int | None
    service_ms: int | None
    """From the connection to the last byte of the answer."""
    bytes: int | None
    record: dict[str, Any]
    """HAProxy's own words: method, path, host, ids, TLS version."""

    @classmethod
    def parse(cls, line: str, first_byte_ms: int) -> Self | None:
        """The request in one line of HAProxy's log; None when the line is of another kind.

        Raises:
            ValueError: the line was cut short.
        """
        if not line.startswith("{"):  # a notice, such as a server's change of state
            return None
        record: dict[str, Any] = json.loads(line)
        if record["app"] in ("", "-"):
            return None
        length = record["content_length"]
        ending = Ending(
            state=record["state"],
            status=record["status"],
            server=record["server"],
            code=None if record["code"] in ("", "-") else record["code"],
            response_ms=record["response_ms"],
            active_ms=record["active_ms"],
            uploaded=record["uploaded"],
            content_length=int(length) if length.isdecimal() else None,
        )
        connected = record["connect_ms"] >= 0
        waited = sum(max(record[key], 0) for key in ("request_ms", "queue_ms", "connect_ms"))
        return cls(
            at_ns=record["at_us"] * 1000,
            app_id=record["app"],
            dyno="" if record["server"].startswith("<") else dyno_name(record["server"]),
            outcome=outcome(ending, first_byte_ms),
            connect_ms=record["connect_ms"] if connected else None,
            service_ms=max(record["active_ms"] - waited, 0) if connected else None,
            bytes=record["bytes"] if connected else None,
            record=record,
        )

    @property
    def text(self) -> str:
        """The line as Heroku's router writes it, without its time stamp and source."""
        code, record = self.outcome.code, self.record
        head = f"at={NOT_ERRORS.get(code or '', 'error' if code else 'info')}"
        if code:
            head = f'{SOCKS.get(code, "")}{head} code={code} desc="{DESCRIPTIONS[code]}"'
        return (
            f'{head} method={record["method"]} path="{_quoted(record["path"])}"'
            f" host={record['host']} request_id={record['request_id']}"
            f' fwd="{_quoted(record["fwd"])}" dyno={self.dyno} connect={_ms(self.connect_ms)}'
            f" service={_ms(self.service_ms)} status={self.outcome.status}"
            f" bytes={'' if self.bytes is None else self.bytes} {_protocol(record)}"
        )

    def body(self) -> dict[str, Any]:
        """The request as the agent's API tells it."""
        return {
            "at_ns": self.at_ns,
            "app_id": self.app_id,
            "dyno": self.dyno,
            "text": self.text,
            "code": self.outcome.code,
            "service_ms": self.service_ms,
            "status": self.outcome.status,
            "bytes": self.bytes,
        }


def dyno_name(server: str) -> str:
    """`web.1` of the server `web.1-3f2a`: the suffix tells one dyno in that place from the next."""
    name, dash, _ = server.rpartition("-")
    return name if dash else server


def _quoted(text: str) -> str:
    return text.replace('"', "%22")


def _ms(milliseconds: int | None) -> str:
    return "" if milliseconds is None else f"{milliseconds}ms"


def _protocol(record: dict[str, Any]) -> str:
    """`tls` is `TLSv1.3` or `-`: on a request handed over by the worker before it is not known."""
    if record["proto"] != "https":
        return "protocol=http tls=false"
    version = record["tls"].lower().replace("v", "")
    return "protocol=https tls=true" + (f" tls_version={version}" if version != "-" else "")
