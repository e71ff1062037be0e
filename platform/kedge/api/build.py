"""Builds: begun with the address of a source, listed, cancelled."""

from __future__ import annotations

import re
import uuid
from typing import Any

from flask import Blueprint, Response

from kedge.api import bodies, buildpack, source
from kedge.api.answers import answer
from kedge.api.context import actor, services, url
from kedge.api.lists import answer_page, asked_page
from kedge.clock import iso
from kedge.errors import InvalidParams
from kedge.model.build import Build
from kedge.model.tables import Json
from kedge.ops import builds, sources
from kedge.ops.builds import SourceRef

routes = Blueprint("builds", __name__)
_CHECKSUM = re.compile(r"(?i:sha256):[0-9a-fA-F]{64}")


def shown(build: Build, release_id: uuid.UUID | None = None) -> Json:
    """A build as the API shows it."""
    own = source.place(build.source_id) if build.source_id else ""
    return {
        "app": {"id": str(build.app_id)},
        "buildpacks": [buildpack.named(name) for name in build.buildpacks],
        "created_at": iso(build.created_at),
        "generation": "cedar",
        "id": str(build.id),
        "output_stream_url": url("output", build.output_id),
        "release": {"id": str(release_id)} if release_id else None,
        "slug": {"id": str(build.slug_id)} if build.slug_id else None,
        "source_blob": {
            "checksum": build.source_checksum,
            "url": build.source_url or own,
            "version": build.source_version,
            "version_description": build.source_version_description,
        },
        "stack": build.stack,
        "status": build.status,
        "updated_at": iso(build.updated_at),
        "user": {"email": build.user.email, "id": str(build.user.id)},
    }


@routes.get("/apps/<app>/builds")
def list_(app: str) -> Response:
    """The builds of an app, oldest first unless the Range says `order=desc`."""
    page = asked_page(builds.KEYS, "created_at")
    rows = builds.list_builds(services(), actor(), app, page)
    return answer_page(rows, page, builds.KEYS, lambda row: shown(*row), key_of=lambda row: row[0])


@routes.post("/apps/<app>/builds")
def create(app: str) -> Response:
    """Begin to build a source; the answer comes at once."""
    body = bodies.body()
    wanted = _source(bodies.mapping(body, "source_blob"))
    names = [_buildpack(each) for each in bodies.sequence(body, "buildpacks")]
    build = builds.start(services(), actor(), app, wanted, buildpacks=names or None)
    return answer(shown(build), 201)


@routes.get("/apps/<app>/builds/<build>")
def info(app: str, build: str) -> Response:
    """One build, by id."""
    return answer(shown(*builds.find(services(), actor(), app, build)))


@routes.delete("/apps/<app>/builds/<build>")
def cancel(app: str, build: str) -> Response:
    """Cancel a build that waits or runs."""
    return answer(shown(builds.cancel(services(), actor(), app, build)))


@routes.delete("/apps/<app>/build-cache")
def forget_cache(app: str) -> Response:
    """Drop what builds of an app keep for later ones."""
    builds.forget_cache(services(), actor(), app)
    return answer({}, 202)


def _source(blob: Json) -> SourceRef:
    address = bodies.text(blob, "url")
    checksum = bodies.text(blob, "checksum", limit=80)
    if checksum and not _CHECKSUM.fullmatch(checksum):
        raise InvalidParams("source_blob.checksum must be SHA256: and 64 hex digits.")
    source_id = source.id_in(address) if address else None
    return SourceRef(
        id=source_id if source_id and sources.is_uploaded(services(), source_id) else None,
        url=address,
        version=bodies.text(blob, "version", limit=200),
        version_description=bodies.text(blob, "version_description"),
        checksum=checksum,
    )


def _buildpack(wanted: Any) -> str:
    members = wanted if isinstance(wanted, dict) else {"url": wanted}
    found = bodies.text(members, "url") or bodies.text(members, "name")
    if not found:
        raise InvalidParams("Each of buildpacks needs a url or a name.")
    return found
