"""Getting a source archive from an address somebody gave.

The address may come from anybody who may deploy, and the request is made from the platform's own
network: so only addresses of the public internet are asked (and, where the
installation says so, of private networks), each redirect is checked as the first
address was, and the connection goes to the very address that was checked.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from kedge.engine.addresses import (
    MayAsk,
    Resolve,
    addresses_of,
    has_proxy,
    is_address,
    is_public,
    name_of,
    said_by,
)
from kedge.errors import BuildFailed, Unavailable

MOST_REDIRECTS = 5
QUIET_SECONDS = 30.0


def fetch(
    url: str,
    target: Path,
    *,
    limit_bytes: int,
    timeout_seconds: float,
    may_ask: MayAsk | None = None,
    resolve: Resolve = addresses_of,
) -> int:
    """Download a source archive to `target`, whole or not at all; its size in bytes.

    Follows five redirects. Addresses that `may_ask` says no to are refused; without it, all that
    are not public. `timeout_seconds` is for all of it.

    Raises:
        BuildFailed: it cannot be had, is too large or takes too long; says which and why.
        Unavailable: the disk is full.
    """
    deadline = time.monotonic() + timeout_seconds
    place = _parsed(url)
    for _ in range(MOST_REDIRECTS + 1):
        addresses = _checked_addresses(place, resolve, may_ask or is_public)
        with _asked(place, addresses, deadline) as answer:
            if not answer.has_redirect_location:
                _check_answer(place, answer, limit_bytes)
                return _store(place, answer, target, limit_bytes, deadline)
            place = _redirected(place, answer.headers["Location"])
    raise BuildFailed(f"{_shown(_parsed(url))} redirects more than {MOST_REDIRECTS} times.")


def _parsed(url: str) -> httpx.URL:
    try:
        place = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise BuildFailed(f"The source's address cannot be read: {error}.") from error
    if place.scheme not in {"http", "https"} or not place.host:
        raise BuildFailed(
            f"The source's address is {_shown(place)}. Give one that begins with https:// or "
            "http://, or upload the archive by POST /sources."
        )
    return place


def _redirected(place: httpx.URL, location: str) -> httpx.URL:
    try:
        return _parsed(str(place.join(location)))
    except (httpx.InvalidURL, ValueError) as error:
        raise BuildFailed(f"{_shown(place)} redirects to nowhere: {error}.") from error


def _shown(place: httpx.URL) -> str:
    """An address without what may be secret in it: account, query."""
    return str(place.copy_with(userinfo=b"", query=None, fragment=None))[:300]


def _checked_addresses(place: httpx.URL, resolve: Resolve, may_ask: MayAsk) -> Sequence[str]:
    """Where to connect; none when a proxy does. Raises BuildFailed for one not to be asked."""
    found = said_by(place) if has_proxy(place) else _resolved(place, resolve)
    for address in found:
        if not may_ask(address):
            raise BuildFailed(
                f"{_shown(place)} is at {address}, an address inside this network, which builds "
                "may not ask. Upload the archive by POST /sources, or push with git; for a server "
                "on a private network of your own, KEDGE_SOURCE_PRIVATE=1 lets builds ask it."
            )
    return [] if has_proxy(place) else found


def _resolved(place: httpx.URL, resolve: Resolve) -> Sequence[str]:
    try:
        found = resolve(name_of(place), place.port or (443 if place.scheme == "https" else 80))
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise BuildFailed(
            f"{_shown(place)} cannot be reached: there is no address for {place.host}. "
            "Check its spelling."
        )
    return found


@contextmanager
def _asked(place: httpx.URL, addresses: Sequence[str], deadline: float) -> Iterator[httpx.Response]:
    """The answer to a GET, its body not read yet; failures in words."""
    try:
        with (
            httpx.Client(
                verify=ssl.create_default_context(),
                trust_env=not addresses,
                timeout=_timeout(deadline),
            ) as client,
            _first_answer(client, place, addresses) as answer,
        ):
            yield answer
    except httpx.TimeoutException as error:
        raise BuildFailed(f"{_shown(place)} does not answer in time. Try again later.") from error
    except httpx.HTTPError as error:
        raise BuildFailed(
            f"{_shown(place)} could not be fetched: {error or type(error).__name__}."
        ) from error


@contextmanager
def _first_answer(
    client: httpx.Client, place: httpx.URL, addresses: Sequence[str]
) -> Iterator[httpx.Response]:
    """The answer of the first address that takes a connection."""
    headers = {"Host": place.netloc.decode("ascii"), "Accept-Encoding": "identity"}
    response = None
    for address in addresses or [place.host]:
        request = client.build_request("GET", place.copy_with(host=address), headers=headers)
        if not is_address(place.host):  # the certificate is the name's, not the address's
            request.extensions = {**request.extensions, "sni_hostname": name_of(place)}
        try:
            response = client.send(request, stream=True)
            break
        except httpx.ConnectError:
            if address == (addresses or [place.host])[-1]:
                raise
    if response is not None:
        try:
            yield response
        finally:
            response.close()


def _timeout(deadline: float) -> float:
    return max(0.1, min(QUIET_SECONDS, deadline - time.monotonic()))


def _check_answer(place: httpx.URL, answer: httpx.Response, limit_bytes: int) -> None:
    if answer.status_code != httpx.codes.OK:
        raise BuildFailed(
            f"{_shown(place)} answered {answer.status_code} {answer.reason_phrase}. "
            "Check the address, and that it needs no login or has not expired."
        )
    length = answer.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > limit_bytes:
        raise _too_large(place, limit_bytes)


def _too_large(place: httpx.URL, limit_bytes: int) -> BuildFailed:
    return BuildFailed(
        f"{_shown(place)} is larger than {limit_bytes // (1024 * 1024)} MB, the largest source "
        "taken. Leave out what the app does not need to be built."
    )


def _store(
    place: httpx.URL, answer: httpx.Response, target: Path, limit_bytes: int, deadline: float
) -> int:
    part = target.with_name(f".part-{target.name}")
    try:
        with part.open("wb") as file:
            # Raw: an archive stays packed also when the server says it packed it on the way. As it
            # comes: gathered into chunks, a trickle would not let us look at the clock.
            for chunk in answer.iter_raw():
                file.write(chunk)
                if file.tell() > limit_bytes:
                    raise _too_large(place, limit_bytes)
                if time.monotonic() > deadline:
                    raise BuildFailed(f"{_shown(place)} takes too long to download.")
            size_bytes = file.tell()
        part.replace(target)
        return size_bytes
    except OSError as error:
        raise Unavailable(
            f"The source could not be stored: {error.strerror or error}. Make room in "
            f"{target.parent} and try again."
        ) from error
    finally:
        part.unlink(missing_ok=True)
