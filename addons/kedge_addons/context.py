"""What a view has at hand: the lifecycle, its service, the body it was sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app, request

from kedge_addons.database import uuid_of
from kedge_addons.errors import Refused
from kedge_addons.lifecycle import Lifecycle
from kedge_addons.resource import Resource
from kedge_addons.service import Service


def lifecycle() -> Lifecycle:
    """The lifecycle of this application."""
    found: Lifecycle = current_app.extensions["lifecycle"]
    return found


def service(name: str) -> Service:
    """A service by name."""
    return lifecycle().services[name]


def called(name: str, resource_id: object) -> Resource:
    """The resource a call is about. Raises Unknown, Gone."""
    return lifecycle().tools.resources.find(name, uuid_of(resource_id))


@contextmanager
def changing(name: str, resource_id: object) -> Iterator[Resource]:
    """The same, nobody else's to change meanwhile. Raises Unknown, Gone, Busy."""
    with lifecycle().changing(service(name), uuid_of(resource_id)) as resource:
        yield resource


def rotated(name: str, resource_id: object, *, at_once: bool = False) -> Resource:
    """The resource with new credentials, of which the platform is told.

    Raises:
        NotImplementedError: the service has none.
        Unknown, Gone, Busy, Away: as `changing`.
    """
    with changing(name, resource_id) as resource:
        # First, and paid once this claim is let go of: killed in between, it is told nevertheless.
        lifecycle().tell_config(resource)
        fresh = service(name).rotate(resource, at_once=at_once)
    lifecycle().wake()
    return fresh


def body() -> dict[str, Any]:
    """The JSON object of this request; {} of an empty one. Raises Refused."""
    if not request.get_data(cache=True):
        return {}
    found = request.get_json(force=True, silent=True)
    if not isinstance(found, dict):
        raise Refused("The body must be a JSON object.")
    return found
