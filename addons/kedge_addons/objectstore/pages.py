"""The pages of objectstore: what is in it, folder by folder, and how an app uses it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Redirect

from kedge_addons.context import called, lifecycle, rotated
from kedge_addons.objectstore import container
from kedge_addons.objectstore.objects import Objects
from kedge_addons.objectstore.offer import OFFER
from kedge_addons.resource import Resource
from kedge_addons.site.page import go, pages, show

FILE_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"


def blueprint() -> Blueprint:
    """The pages of objectstore."""
    return pages("objectstore", {
        "GET /": folder,
        "GET /object": download,
        "GET /use": use,
        "POST /rotate": rotate,
    })  # fmt: skip


def folder(resource_id: uuid.UUID) -> Response:
    """What is directly below `path`: folders, and objects with their size."""
    resource = called(OFFER.name, resource_id)
    path = request.args.get("path", "").strip("/")
    objects = _objects(resource)
    parts = path.split("/") if path else []
    return show(
        "objectstore/folder.html", resource, OFFER, tab="objects", path=path,
        crumbs=[(part, "/".join(parts[: place + 1])) for place, part in enumerate(parts)],
        when=_when, **objects.list_(path, request.args.get("after", "")),
    )  # fmt: skip


def download(resource_id: uuid.UUID) -> Response:
    """An object, never shown by the browser: it is somebody else's."""
    path = request.args.get("path", "").strip("/")
    content = _objects(called(OFFER.name, resource_id)).content(path)
    response = Response(content, content_type="application/octet-stream")
    name = "".join(each for each in path.rpartition("/")[2] if each.isprintable())
    response.headers.set("Content-Disposition", "attachment", filename=name[:150])
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


def use(resource_id: uuid.UUID) -> Response:
    """How an app uses it."""
    resource = called(OFFER.name, resource_id)
    return show(
        "objectstore/use.html", resource, OFFER, tab="use", port=container.PORT,
        bucket=container.bucket(resource), was_rotated="rotated" in request.args,
    )  # fmt: skip


def rotate(resource_id: uuid.UUID) -> Redirect:
    """Have another key."""
    return go(rotated(OFFER.name, resource_id), "use?rotated")


def _objects(resource: Resource) -> Objects:
    return Objects(lifecycle().tools.instances, resource)


def _when(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
