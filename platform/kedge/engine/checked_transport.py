"""Connections to the very address that was checked, whatever its name leads to a moment later."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import suppress
from functools import cache

import httpx

from kedge.engine.addresses import MayAsk, Resolve, has_proxy, is_address, name_of, said_by


@cache
def trust() -> ssl.SSLContext:
    """Whose certificates count: read once, which takes as long as many an answer."""
    return ssl.create_default_context()


class NotAsked(Exception):
    """The address may not be asked, or there is none; the words say which."""


class Checked:
    """Transports to places whose addresses may be asked."""

    def __init__(self, may_ask: MayAsk, resolve: Resolve) -> None:
        self._may_ask, self._resolve = may_ask, resolve

    def transport_to(self, place: httpx.URL) -> httpx.BaseTransport | None:
        """A transport to this place; None where the environment's proxy leads there.

        Raises:
            NotAsked: it has an address that may not be asked, or none.
        """
        if has_proxy(place):
            self._check(said_by(place))
            return None
        found = said_by(place) or self._look_up(place)
        self._check(found)
        return _Pinned(found)

    def addresses_of(self, place: httpx.URL, port: int) -> Sequence[str]:
        """The addresses of a place that is spoken to otherwise than by HTTP. Raises NotAsked."""
        found = said_by(place) or self._look_up(place.copy_with(port=port))
        self._check(found)
        return found

    def _look_up(self, place: httpx.URL) -> Sequence[str]:
        found: Sequence[str]
        try:
            port = place.port or (443 if place.scheme == "https" else 80)
            found = self._resolve(name_of(place), port)
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise NotAsked(f"there is no address for {place.host}")
        return found

    def _check(self, addresses: Sequence[str]) -> None:
        for address in addresses:
            if not self._may_ask(address):
                raise NotAsked(
                    f"it is at {address}, inside this network; with KEDGE_SOURCE_PRIVATE=1 "
                    "that is asked"
                )


class _Pinned(httpx.BaseTransport):
    """Connects to one of some addresses, under the name that is asked for."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self._real = httpx.HTTPTransport(verify=trust())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the first that takes a connection."""
        place = request.url
        if not is_address(place.host):  # the certificate is the name's, not the address's
            request.extensions = {**request.extensions, "sni_hostname": name_of(place)}
        for address in self._addresses[:-1]:
            request.url = place.copy_with(host=address)
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return self._real.handle_request(request)
        request.url = place.copy_with(host=self._addresses[-1])
        return self._real.handle_request(request)

    def close(self) -> None:
        """Close the connection."""
        self._real.close()
