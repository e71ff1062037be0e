"""What a build or a release command prints, as it comes. The address is itself the permission.

Who lost the connection goes on where they were: with `Range: bytes=N-`, or, as server-sent events,
with the `Last-Event-ID`, which is the number of bytes they have.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Generator

from flask import Blueprint, Response, request

from kedge.api.answers import answer
from kedge.api.context import public, services, streams
from kedge.api.output_events import events
from kedge.errors import BadRequest, NotFound, RangeUnsatisfiable
from kedge.ops import outputs
from kedge.ops.outputs import Extent
from kedge.ops.services import Services
from kedge.places import has_left

routes = Blueprint("outputs", __name__)
HEADERS = {"Cache-Control": "no-cache", "Accept-Ranges": "bytes", "Vary": "Accept"}
FROM = re.compile(r"bytes=(\d{1,15})-")
# What stands for the last byte of an answer that goes on to an end nobody knows yet (RFC 8673).
VERY_LARGE = 2**53 - 1


@routes.get("/output/<output>")
@public
def stream(output: str) -> Response:
    """The output to its end, also from a byte on or as events; 404 until it has begun."""
    output_id = _id(output)
    extent = outputs.extent(services(), output_id)
    if extent is None:
        raise NotFound.of("stream", "There is no output yet. Ask again in a moment.")
    if "text/event-stream" in request.headers.get("Accept", ""):
        return _as_events(output_id, extent)
    return _as_text(output_id, extent)


def _as_events(output_id: uuid.UUID, extent: Extent) -> Response:
    first = _number(request.headers.get("Last-Event-ID") or "0")
    if first > extent.size_bytes:
        raise RangeUnsatisfiable("The Last-Event-ID is beyond what there is of this output.")
    if first and first == extent.size_bytes and extent.is_complete:
        return Response(status=204)  # how an event source learns not to connect again
    body = events(_followed(services(), output_id, first, request.environ), first)
    return _streamed(body, "text/event-stream")


def _as_text(output_id: uuid.UUID, extent: Extent) -> Response:
    match = FROM.fullmatch(request.headers.get("Range", "").strip())
    if match is None:  # none, or one of those a server may pass over
        return _streamed(_text(output_id, 0), "text/plain")
    first = int(match[1])
    if first > extent.size_bytes or (first == extent.size_bytes and extent.is_complete):
        return _beyond(extent)
    response = _streamed(_text(output_id, first), "text/plain", 206)
    last, size = VERY_LARGE, "*"
    if extent.is_complete:
        last, size = extent.size_bytes - 1, str(extent.size_bytes)
    response.headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def _beyond(extent: Extent) -> Response:
    error = RangeUnsatisfiable("The Range begins beyond what there is of this output.")
    response = answer(error.body(), error.status)
    response.headers["Content-Range"] = f"bytes */{extent.size_bytes}"
    return response


def _streamed(body: Generator[bytes, None, None], kind: str, status: int = 200) -> Response:
    if request.method == "HEAD":
        return Response(b"", status, mimetype=kind, headers=HEADERS)
    return Response(streams().held(body), status, mimetype=kind, headers=HEADERS)


def _text(output_id: uuid.UUID, first: int) -> Generator[bytes, None, None]:
    followed = _followed(services(), output_id, first, request.environ)
    return (payload for payload in followed if payload)


def _followed(
    services: Services, output_id: uuid.UUID, first: int, environ: dict[str, object]
) -> Generator[bytes, None, None]:
    """The output from a byte on; b"" in silence. Ends too when the client went away."""
    for payload in outputs.follow(services, output_id, first):
        if not payload and has_left(environ):
            return
        yield payload


def _number(word: str) -> int:
    if not re.fullmatch(r"\d{1,15}", word):
        raise BadRequest("The Last-Event-ID is none of this stream: it must be a number of bytes.")
    return int(word)


def _id(output: str) -> uuid.UUID:
    try:
        return uuid.UUID(output)
    except ValueError:
        raise NotFound.of("stream") from None
