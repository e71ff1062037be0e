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
URL_LIMIT = 500
ACCEPT = "application/vnd.heroku-addons+json; version=3"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ID = re.compile(r"[^\x00-\x20/?#\x7f\ud800-\udfff]{1,300}")
REFUSALS = frozenset({400, 402, 403, 404, 409, 410, 422})


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
        # Plain HTTP on a socket of this machine: there is no certificate to read a bundle for. A
        # connection costs nothing there, and one that is kept may be closed as it is used again.
        unkept = httpx.Limits(max_keepalive_connections=0)
        self._builtin = httpx.HTTPTransport(uds=str(builtin_socket), verify=False, limits=unkept)
        self._checked = Checked(may_ask, resolve)

    def provision(self, provider: Provider, body: Mapping[str, Any]) -> Provisioned:
        """Have a resource made."""
        status, answer = self._call(provider, "POST", "", body, {200, 201, 202})
        return _provisioned(provider, status, answer)

    def change_plan(self, provider: Provider, provider_id: str, plan: str) -> Provisioned:
        """Move a resource to another plan."""
        path = f"/{_escaped(provider_id)}"
        status, answer = self._call(provider, "PUT", path, {"plan": plan}, {200, 202})
        return _provisioned(provider, status, _of(answer, provider_id))

    def deprovision(self, provider: Provider, provider_id: str) -> None:
        """Have a resource removed; one that is gone already is fine."""
        path = f"/{_escaped(provider_id)}"
        self._call(provider, "DELETE", path, None, {200, 202, 204, 404, 410}, is_read=False)

    def restore(self, provider: Provider, provider_id: str) -> Provisioned:
        """Bring back a resource that was removed, with what was in it."""
        path = f"/{_escaped(provider_id)}/actions/restore"
        status, answer = self._call(provider, "POST", path, {}, {200, 201, 202})
        return _provisioned(provider, status, _of(answer, provider_id))

    def ask(
        self, provider: Provider, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        """A further call of a provider that has more than the partner API, below its address."""
        status, answer = self._call(provider, method, path, body, {200, 201, 202, 204})
        return None if status == 204 else answer

    def _call(
        self,
        provider: Provider,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        expected: set[int],
        *,
        is_read: bool = True,
    ) -> tuple[int, Any]:
        """The status and JSON of an answer; an empty one, or one nobody reads, is {}."""
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
        if status in expected:
            is_empty = not is_read or status == 204 or not payload.strip()
            return status, {} if is_empty else _json(provider, payload)
        if status in REFUSALS:
            raise ProviderRefused(provider.name, _message(_json(None, payload)))
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


def _json(provider: Provider | None, payload: bytes) -> Any:
    """What an answer holds; where it is no JSON None, or of a provider ProviderAway is raised."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        if provider is None:
            return None
        raise ProviderAway(provider.name, "its answer is not JSON") from None


def _provisioned(provider: Provider, status: int, answer: Any) -> Provisioned:
    given = answer.get("id") if isinstance(answer, dict) else None
    provider_id = str(given) if isinstance(given, str | int) else ""
    if not _ID.fullmatch(provider_id):
        raise ProviderAway(provider.name, "its answer names no id")
    return Provisioned(
        provider_id=provider_id,
        config=answer.get("config"),
        message=_message(answer),
        log_drain_url=_drain_url(answer),
        is_pending=status == 202,
    )


def _message(answer: Any) -> str | None:
    """The provider's words for a person, as text that can be shown."""
    said = answer.get("message") if isinstance(answer, dict) else None
    if not isinstance(said, str) or not said.strip():
        return None
    return _CONTROL.sub("", said.encode("utf-8", "replace").decode())[:MESSAGE_LIMIT]


def _of(answer: Any, provider_id: str) -> Any:
    """An answer about a resource we know: it need not name it, and does not rename it."""
    return {**answer, "id": provider_id} if isinstance(answer, dict) else answer


def _drain_url(answer: Mapping[str, Any]) -> str | None:
    """Where the provider takes an app's log, when it says so in a form one can use."""
    said = answer.get("log_drain_url")
    schemes = ("https://", "http://", "syslog://", "syslog+tls://")
    if not isinstance(said, str) or not said.startswith(schemes) or len(said) > URL_LIMIT:
        return None
    return said if said.isascii() and said.isprintable() else None


def _escaped(provider_id: str) -> str:
    """An id that can stand in a path."""
    return httpx.URL("http://x").copy_with(path=f"/{provider_id}").raw_path.decode()[1:]
