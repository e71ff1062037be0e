"""Asking add-on providers over HTTP: the client's side of the Add-on Partner API v3.

https://devcenter.heroku.com/articles/add-on-partner-api-reference. A provider is somebody else's
server: its time is bounded, its answers are, it sends us nowhere (redirects are not followed), and
nothing inside this network is asked in its place (`addresses.py`).
The built-in ones are reached over a socket of this machine.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from kedge.engine.addresses import MayAsk, Resolve, addresses_of, is_public
from kedge.engine.checked_transport import Checked, NotAsked
from kedge.engine.protocols.partner import Provider, Provisioned
from kedge.errors import ProviderAway, ProviderRefused

BUILTIN_HOST = "addons.kedge.internal"
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 25.0
LIMIT_BYTES = 1024 * 1024
MESSAGE_LIMIT = 1000
ACCEPT = "application/vnd.heroku-addons+json; version=3"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ID = re.compile(r"[^\x00-\x20/?#]{1,300}")
REFUSALS = frozenset({400, 402, 403, 404, 409, 422})


class HttpPartner:
    """The `Partner` of the protocols."""

    def __init__(
        self,
        builtin_socket: Path,
        *,
        may_ask: MayAsk = is_public,
        resolve: Resolve = addresses_of,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """`may_ask` says which addresses are asked; the built-in providers are at the socket."""
        self._answer_seconds = answer_seconds
        self._builtin = httpx.HTTPTransport(uds=str(builtin_socket))
        self._checked = Checked(may_ask, resolve)

    def provision(self, provider: Provider, body: Mapping[str, Any]) -> Provisioned:
        """Have a resource made."""
        status, answer = self._call(provider, "POST", "", body, {200, 201, 202})
        return _provisioned(provider, status, answer)

    def change_plan(self, provider: Provider, provider_id: str, plan: str) -> Provisioned:
        """Move a resource to another plan."""
        path = f"/{_escaped(provider_id)}"
        status, answer = self._call(provider, "PUT", path, {"plan": plan}, {200, 202})
        return _provisioned(provider, status, {**answer, "id": provider_id})

    def deprovision(self, provider: Provider, provider_id: str) -> None:
        """Have a resource removed; one that is gone already is fine."""
        path = f"/{_escaped(provider_id)}"
        self._call(provider, "DELETE", path, None, {200, 202, 204, 404, 410})

    def ask(
        self, provider: Provider, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        """A further call of a provider that has more than the partner API, below its address."""
        return self._call(provider, method, path, body, {200, 201, 202, 204})[1]

    def _call(
        self,
        provider: Provider,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        expected: set[int],
    ) -> tuple[int, Any]:
        try:
            status, payload = self._exchange(provider, method, path, body)
        except NotAsked as error:
            raise ProviderAway(provider.name, str(error)) from error
        except httpx.TimeoutException as error:
            raise ProviderAway(provider.name, "it did not answer in time") from error
        except (
            httpx.HTTPError,
            httpx.StreamError,
            httpx.InvalidURL,
            RuntimeError,
            OSError,
        ) as error:
            # The last two: a client closed at the end of its time says so in any of its layers.
            raise ProviderAway(provider.name, "it cannot be reached") from error
        answer = _json(payload)
        if status in expected:
            if status in {404, 410, 204} or not payload.strip():
                return status, {}
            if answer is None:
                raise ProviderAway(provider.name, "its answer is not JSON")
            return status, answer
        if status in REFUSALS:
            raise ProviderRefused(provider.name, _message(answer))
        raise ProviderAway(provider.name, f"it answered with status {status}")

    def _exchange(
        self, provider: Provider, method: str, path: str, body: Mapping[str, Any] | None
    ) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._answer_seconds
        content = None if body is None else json.dumps(body).encode()
        with (
            self._client(provider) as client,
            # Each wait for the next bytes is bounded, and so are all of them together.
            _ended(client, self._answer_seconds),
            client.stream(method, provider.base_url + path, content=content) as answer,
        ):
            return answer.status_code, _bounded(answer, provider, deadline)

    def _client(self, provider: Provider) -> httpx.Client:
        place = httpx.URL(provider.base_url)
        if place.host == BUILTIN_HOST:
            transport: httpx.BaseTransport | None = _Lent(self._builtin)
        else:
            transport = self._checked.transport_to(place)
        return httpx.Client(
            transport=transport,
            auth=(provider.name, provider.password),
            timeout=httpx.Timeout(self._answer_seconds, connect=CONNECT_SECONDS),
            follow_redirects=False,
            headers={
                "Accept": ACCEPT,
                "Accept-Encoding": "identity",
                "Content-Type": "application/json",
            },
        )


@contextmanager
def _ended(client: httpx.Client, after_seconds: float) -> Iterator[None]:
    """The client is closed then, in the middle of whatever it waits for."""
    timer = threading.Timer(after_seconds, client.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class _Lent(httpx.BaseTransport):
    """A transport that outlives the clients that use it."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self.handle_request = transport.handle_request  # type: ignore[method-assign]


def _bounded(answer: httpx.Response, provider: Provider, deadline: float) -> bytes:
    """The body as it came: what is packed on the way is no answer, and cannot grow here."""
    payload = bytearray()
    for piece in answer.iter_raw():
        payload += piece
        if len(payload) > LIMIT_BYTES:
            raise ProviderAway(provider.name, "its answer is over 1 MB")
        if time.monotonic() > deadline:
            raise ProviderAway(provider.name, "it did not answer in time")
    return bytes(payload)


def _json(payload: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _provisioned(provider: Provider, status: int, answer: Mapping[str, Any]) -> Provisioned:
    given = answer.get("id")
    provider_id = str(given) if isinstance(given, str | int) else ""
    if not _ID.fullmatch(provider_id):
        raise ProviderAway(provider.name, "its answer names no id")
    return Provisioned(
        provider_id=provider_id,
        config=answer.get("config"),
        message=_message(answer),
        is_pending=status == 202,
    )


def _message(answer: Mapping[str, Any] | None) -> str | None:
    """The provider's words for a person, as text that can be shown."""
    said = (answer or {}).get("message")
    if not isinstance(said, str) or not said.strip():
        return None
    return _CONTROL.sub("", said.encode("utf-8", "replace").decode())[:MESSAGE_LIMIT]


def _escaped(provider_id: str) -> str:
    """An id that can stand in a path."""
    return httpx.URL("http://x").copy_with(path=f"/{provider_id}").raw_path.decode()[1:]
