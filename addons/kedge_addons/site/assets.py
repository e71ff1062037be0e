"""Stylesheets and scripts: ours, and Bootstrap's out of its installed package. Nothing of others.

Their addresses hold a digest of them all, so that browsers keep them for ever.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib.resources import files

from flask import Blueprint, Response, abort, request

OWN = files("kedge_addons") / "static"
BOOTSTRAP = files("flask_bootstrap") / "static/bootstrap5/css/bootstrap.min.css"
PREFIX = "/provider/assets"
KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
routes = Blueprint("assets", __name__)


@cache
def assets() -> dict[str, bytes]:
    """All files by name."""
    found = {each.name: each.read_bytes() for each in OWN.iterdir() if _kind(each.name)}
    sheet = BOOTSTRAP.read_bytes()
    return found | {"bootstrap.css": sheet.rpartition(b"/*# sourceMappingURL")[0] or sheet}


@cache
def version() -> str:
    """Changes when any file does."""
    digest = hashlib.sha256()
    for name, content in sorted(assets().items()):
        digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()[:12]


def address(name: str) -> str:
    """Where a file is reached."""
    return f"{PREFIX}/{version()}/{name}"


@routes.get(f"{PREFIX}/<asked_version>/<name>")
def send(asked_version: str, name: str) -> Response:
    """A file."""
    if name not in assets():
        abort(404)
    may_pack = "gzip" in request.headers.get("Accept-Encoding", "")
    body = _packed(name) if may_pack else assets()[name]
    response = Response(body, content_type=_kind(name))
    if may_pack:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    is_this = asked_version == version()
    response.headers["Cache-Control"] = (
        "public, max-age=31536000, immutable" if is_this else "no-cache"
    )
    return response


@cache
def _packed(name: str) -> bytes:
    return gzip.compress(assets()[name], 9, mtime=0)


def _kind(name: str) -> str | None:
    return KINDS.get(name.rpartition(".")[2])
