"""What the router knows of one app: its hosts, its state and the addresses of its web dynos."""

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from .errors import Conflict, Invalid

APP_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
APP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
SERVER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
HOST = re.compile(rf"(\*\.)?{LABEL}(\.{LABEL})*")
STATES = frozenset({"H10", "H14", "H20", "H80", "H81", "H99"})
"""Codes an app can be put in as a whole: crashed, no web dynos, maintenance, blank, our fault."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a dyno listens: an IP address and a port, as the router can reach it."""

    host: str
    port: int

    @classmethod
    def parse(cls, body: object) -> Self:
        """The address in `{"host": "10.210.0.5", "port": 5123}`."""
        match body:
            case {"host": str(host), "port": int(port)} if 0 < port < 65536:
                try:
                    return cls(str(ipaddress.ip_address(host)), port)
                except ValueError as error:
                    raise Invalid(f"{host!r} is not an IP address: resolve it first.") from error
        raise Invalid(f"An address is an IP address and a port, not {body!r:.100}.")

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class App:
    """One app's routes at one version; equal apps have equal routes."""

    id: str
    version: int
    name: str
    hosts: tuple[str, ...] = ()
    state: str | None = None
    servers: Mapping[str, Address] = field(default_factory=dict)

    @classmethod
    def parse(cls, app_id: str, body: object, reserved: Collection[str] = ()) -> Self:
        """The app in the body of `PUT /apps/{app_id}`.

        Raises:
            Invalid: a field is missing, has the wrong type or is not what HAProxy can take.
            Conflict: a host is one of `reserved`, the platform's own.
        """
        match body:
            case {
                "version": int(version),
                "name": str(name),
                "hosts": list(hosts),
                "servers": dict(servers),
                **rest,
            }:
                return cls(
                    id=_matching(APP_ID, app_id, "an app's id"),
                    version=version,
                    name=_matching(APP_NAME, name, "an app's name"),
                    hosts=tuple(sorted({_host(host, reserved) for host in hosts})),
                    state=_state(rest.get("state")),
                    servers={
                        _matching(SERVER_NAME, server, "a server's name"): Address.parse(address)
                        for server, address in sorted(servers.items())
                    },
                )
        raise Invalid("An app needs version (whole number), name, hosts (list), servers (object).")

    @property
    def code(self) -> str | None:
        """The H code every request gets, if any: the state it was put in, H14 without dynos."""
        return self.state or (None if self.servers else "H14")

    def body(self) -> dict[str, Any]:
        """The app as `parse` takes it."""
        return {
            "version": self.version,
            "name": self.name,
            "hosts": list(self.hosts),
            "state": self.state,
            "servers": {
                name: {"host": address.host, "port": address.port}
                for name, address in self.servers.items()
            },
        }


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise Invalid(f"{text!r:.100} cannot be {what}: it must match {pattern.pattern}.")
    return text


def _host(host: object, reserved: Collection[str]) -> str:
    if not isinstance(host, str):
        raise Invalid(f"A host is a name, not {host!r:.100}.")
    name = host.lower().rstrip(".")
    if len(name) > 253 or not HOST.fullmatch(name):
        raise Invalid(
            f"{host!r:.300} is not a host name, nor '*.' before one; encode other alphabets (IDNA)."
        )
    if name in reserved:
        raise Conflict(f"The host {name} is the platform's own: choose another.")
    return name


def _state(state: object) -> str | None:
    if state is not None and state not in STATES:
        raise Invalid(f"state is null or one of {', '.join(sorted(STATES))}, not {state!r:.100}.")
    return None if state is None else str(state)
