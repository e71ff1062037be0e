"""Stylesheets and scripts: ours, and Bootstrap's out of its installed package. Nothing of others.

Their addresses hold a digest of them all, so that browsers keep them for ever and never mix two
versions of the platform.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from flask import Response, request

from kedge.errors import NotFound

OWN = files("kedge.dashboard") / "static"
BOOTSTRAP = files("flask_bootstrap") / "static/bootstrap5"
PREFIX = "/dashboard/static"
FOREVER = "public, max-age=31536000, immutable"
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    kind: str
    plain: bytes
    packed: bytes


@cache
def assets() -> dict[str, Asset]:
    """All files by name; stylesheets of ours are one, in the order of their names."""
    found = {"bootstrap.css": _asset("bootstrap.css", _bootstrap())}
    own = {part.name: part.read_bytes() for part in _own()}
    sheets = sorted(name for name in own if name.endswith(".css"))
    found["kedge.css"] = _asset("kedge.css", b"\n".join(own[name] for name in sheets))
    rest = (name for name in own if name not in sheets)
    return found | {name: _asset(name, own[name]) for name in rest}


@cache
def version() -> str:
    """Changes when any file does."""
    digest = hashlib.sha256()
    for name, each in sorted(assets().items()):
        digest.update(name.encode() + b"\0" + each.plain)
    return digest.hexdigest()[:12]


def address(name: str) -> str:
    """Where a file is reached."""
    return f"{PREFIX}/{version()}/{name}"


def send(asked_version: str, name: str) -> Response:
    """A file. Raises NotFound."""
    found = assets().get(name)
    if found is None:
        raise NotFound.of("page", "There is no such file.")
    may_pack = "gzip" in request.headers.get("Accept-Encoding", "")
    response = Response(found.packed if may_pack else found.plain, content_type=found.kind)
    if may_pack:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    is_this = asked_version == version()
    response.headers["Cache-Control"] = FOREVER if is_this else "no-cache"
    return response


def _own() -> list[Traversable]:
    return [part for part in OWN.iterdir() if any(part.name.endswith(kind) for kind in KINDS)]


def _bootstrap() -> bytes:
    sheet = (BOOTSTRAP / "css/bootstrap.min.css").read_bytes()
    return sheet.rpartition(b"/*# sourceMappingURL")[0] or sheet


def _asset(name: str, plain: bytes) -> Asset:
    kind = KINDS["." + name.rpartition(".")[2]]
    return Asset(kind, plain, gzip.compress(plain, 9, mtime=0))
