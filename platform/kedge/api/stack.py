"""Stacks: what builds and dynos run in."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response

from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.errors import NotFound
from kedge.model.app import DEFAULT_STACK
from kedge.model.tables import Json
from kedge.ops import apps

routes = Blueprint("stacks", __name__)
_IDS = uuid.UUID("6b656467-652d-4964-8a53-746163000000")
_DECLARED_AT = "2026-01-01T00:00:00Z"
NAMES = (DEFAULT_STACK,)


def id_of(name: str) -> str:
    """The id of the stack of that name: the same on every installation."""
    return str(uuid.uuid5(_IDS, name))


def named(name: str) -> Json:
    """A stack as other things name it."""
    return {"id": id_of(name), "name": name}


def name_of(identity: str | None) -> str | None:
    """The name a name or id stands for; an unknown one as it is, for the use case to refuse."""
    return next((name for name in NAMES if identity == id_of(name)), identity)


def shown(name: str) -> Json:
    """A stack as the API shows it."""
    moments = {"created_at": _DECLARED_AT, "updated_at": _DECLARED_AT}
    return named(name) | moments | {"default": name == DEFAULT_STACK, "state": "public"}


@routes.get("/stacks")
def list_() -> Response:
    """All stacks."""
    return answer_list([shown(name) for name in NAMES])


@routes.get("/stacks/<stack>")
def info(stack: str) -> Response:
    """One stack, by name or id."""
    name = name_of(stack)
    if name not in NAMES:
        raise NotFound.of("stack")
    return answer(shown(name))


@routes.get("/apps/<app>/available-stacks")
def list_for_app(app: str) -> Response:
    """The stacks an app may use."""
    apps.find(services(), actor(), app)
    return list_()
