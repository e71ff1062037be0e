"""The router's agent, spoken to over its local HTTP API. Each answer means: it is in force."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from kedge.engine.protocols import AccessLine, AccessLines, Route, Server
from kedge.errors import Conflict, RouterDown

TIMEOUT_SECONDS = 15.0


class AgentRouter:
    """A client of the router's agent on its unix socket."""

    def __init__(self, socket: str) -> None:
        # Plain HTTP on a socket of this machine: there is no certificate to read a bundle for.
        transport = httpx.HTTPTransport(uds=socket, retries=1, verify=False)
        self._http = httpx.Client(
            transport=transport, base_url="http://router", timeout=TIMEOUT_SECONDS
        )

    def put(self, app_id: uuid.UUID, route: Route) -> None:
        """Make this the app's route. Raises Conflict when a newer one is in force."""
        self._ask("PUT", f"/apps/{app_id}", json=_body(route))

    def routes(self) -> Mapping[uuid.UUID, Route | None]:
        """The apps it knows: each with its route, or None when that is not in force."""
        found = self._ask("GET", "/apps").get("apps", {})
        return {
            uuid.UUID(app_id): _route(body) if body["in_force"] else None
            for app_id, body in found.items()
        }

    def remove(self, app_id: uuid.UUID, version: int) -> None:
        """Forget an app."""
        self._ask("DELETE", f"/apps/{app_id}", params={"version": version})

    def in_flight(self, app_id: uuid.UUID) -> Mapping[str, int]:
        """Requests in flight by server name."""
        answer = self._ask("GET", f"/apps/{app_id}/sessions")
        return {name: found["in_flight"] for name, found in answer.get("servers", {}).items()}

    def put_certificate(self, name: str, pem: str, hosts: Sequence[str]) -> None:
        """Serve a certificate for these names."""
        self._ask("PUT", f"/certificates/{name}", json={"pem": pem, "hosts": list(hosts)})

    def remove_certificate(self, name: str) -> None:
        """Serve a certificate no longer."""
        self._ask("DELETE", f"/certificates/{name}")

    def access_lines(self, cursor: int, wait_seconds: float) -> AccessLines:
        """Lines after the cursor."""
        answer = self._ask("GET", "/log", params={"after": cursor, "wait": wait_seconds})
        lines = tuple(_line(row) for row in answer["lines"])
        return AccessLines(lines, answer["next"], answer.get("lost") or 0)

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise RouterDown(f"The router's agent does not answer ({error}).") from error
        if response.status_code == 404:
            return {}
        if response.status_code == 409:
            raise Conflict(f"The router refused: {response.text[:500]}")
        if response.status_code >= 400:
            raise RouterDown(
                f"The router's agent answered {response.status_code}: {response.text[:500]}"
            )
        found: dict[str, Any] = response.json() if response.content else {}
        return found


def _body(route: Route) -> dict[str, Any]:
    return {
        "version": route.version,
        "name": route.name,
        "hosts": list(route.hosts),
        "state": route.state,
        "servers": {
            name: {"host": server.host, "port": server.port}
            for name, server in route.servers.items()
        },
    }


def _route(body: Mapping[str, Any]) -> Route:
    return Route(
        version=body["version"],
        name=body["name"],
        hosts=tuple(body["hosts"]),
        state=body["state"],
        servers={
            name: Server(server["host"], server["port"]) for name, server in body["servers"].items()
        },
    )


def _line(row: Mapping[str, Any]) -> AccessLine:
    return AccessLine(
        at_ns=row["at_ns"],
        app_id=uuid.UUID(row["app_id"]),
        dyno=row["dyno"],
        text=row["text"],
        code=row["code"],
        status=row["status"],
        service_ms=row["service_ms"],
        bytes=row["bytes"],
    )
