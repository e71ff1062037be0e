"""Pages of the built-in add-on providers, at this platform's address: `/provider/…`.

The providers are a process of their own behind a socket, and check themselves who asks. They are
handed nothing of the platform's: no token, no cookie but their own and the colours chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote

import httpx
from flask import Blueprint, Response, request

from kedge.api.context import public, services
from kedge.errors import NotFound, Unavailable

routes = Blueprint("provider", __name__)
COOKIE = "kedge_provider"
THEME = "kedge-theme"  # light or dark, as the dashboard was asked for: the pages follow
PLACE = "/provider"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
# What is said between two neighbours only (RFC 9110 §7.6.1), and what is ours to say.
HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
    "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
NOT_HANDED_ON = HOP_BY_HOP | {"authorization", "cookie", "forwarded", "host"}
TIMES = httpx.Timeout(60.0, connect=3.0)


@routes.route("/provider/<path:page>", methods=METHODS)
@public
def provider(page: str) -> Response:
    """A page of a built-in add-on, for whoever signed in there from the platform."""
    if ".." in page.split("/"):  # what they answer besides their pages is the platform's to ask
        raise NotFound.of("page")
    client = httpx.Client(transport=_Lent(_transport(_socket())), timeout=TIMES)
    asked = client.build_request(
        request.method, f"http://addons{_path()}", headers=_handed_on(),
        content=request.stream if request.content_length else None,
    )  # fmt: skip
    try:
        answer = client.send(asked, stream=True)
    except httpx.HTTPError as error:
        raise Unavailable(
            "The add-on providers do not answer. Try again in a moment; `kedge status` says more."
        ) from error
    made = Response(_streamed(answer), status=answer.status_code)
    made.headers.clear()
    made.headers.extend(_handed_back(answer))
    return made


def _handed_on() -> list[tuple[str, str]]:
    kept = [each for each in request.headers.items() if _is_handed_on(each[0].lower())]
    own, theme = request.cookies.get(COOKIE), request.cookies.get(THEME)
    cookies = {COOKIE: own, THEME: theme if theme in {"light", "dark"} else None}
    shown = "; ".join(f"{name}={value}" for name, value in cookies.items() if value)
    return [
        *kept,
        *([("Cookie", shown)] if shown else []),
        ("Host", request.host),
        ("X-Forwarded-Host", request.host),
        ("X-Forwarded-Proto", request.scheme),
        ("X-Forwarded-For", request.remote_addr or ""),
    ]


def _is_handed_on(name: str) -> bool:
    return name not in NOT_HANDED_ON and not name.startswith("x-forwarded-")


def _handed_back(answer: httpx.Response) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, value in answer.headers.multi_items()
        if name.lower() not in HOP_BY_HOP and (name.lower() != "set-cookie" or _is_own(value))
    ]


def _is_own(cookie: str) -> bool:
    """Whether a cookie is one the providers may set: theirs, and for their pages alone."""
    read = SimpleCookie(cookie)
    return list(read) == [COOKIE] and read[COOKIE]["path"] == PLACE


def _streamed(answer: httpx.Response) -> Iterator[bytes]:
    try:
        yield from answer.iter_raw()
    finally:
        answer.close()


def _path() -> str:
    query = request.query_string.decode("ascii", "replace")
    return quote(request.path, safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")


def _socket() -> Path:
    return services().settings.run_dir / "addons.sock"


@cache
def _transport(socket: Path) -> httpx.HTTPTransport:
    # A connection that is kept may be closed by the other side as it is used again.
    return httpx.HTTPTransport(uds=str(socket), limits=httpx.Limits(max_keepalive_connections=0))


class _Lent(httpx.BaseTransport):
    """A transport that outlives the clients that use it."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self.handle_request = transport.handle_request  # type: ignore[method-assign]
