"""What a build or a release command prints, as it comes. The address is itself the permission."""

from __future__ import annotations

import uuid
from collections.abc import Generator

from flask import Blueprint, Response, request

from kedge.api.context import public, services, streams
from kedge.errors import NotFound
from kedge.ops import outputs
from kedge.ops.services import Services
from kedge.places import has_left

routes = Blueprint("outputs", __name__)
HEADERS = {"Cache-Control": "no-cache"}


@routes.get("/output/<output>")
@public
def stream(output: str) -> Response:
    """The whole output, to its end; 404 until it has begun."""
    output_id = _id(output)
    if not outputs.exists(services(), output_id):
        raise NotFound.of("stream", "There is no output yet. Ask again in a moment.")
    if request.method == "HEAD":
        return Response(b"", mimetype="text/plain", headers=HEADERS)
    body = streams().held(_followed(services(), output_id, request.environ))
    return Response(body, mimetype="text/plain", headers=HEADERS)


def _followed(
    services: Services, output_id: uuid.UUID, environ: dict[str, object]
) -> Generator[bytes, None, None]:
    for payload in outputs.follow(services, output_id):
        if payload:
            yield payload
        elif has_left(environ):
            return


def _id(output: str) -> uuid.UUID:
    try:
        return uuid.UUID(output)
    except ValueError:
        raise NotFound.of("stream") from None
