"""Accepting an invitation: a name, a password, and one is in."""

from __future__ import annotations

from flask import Blueprint, Response, request

from kedge.dashboard import context
from kedge.dashboard.answers import NO_PROBLEM, Problem, framed
from kedge.dashboard.context import public
from kedge.dashboard.sign_in import signed_in
from kedge.errors import InvalidParams, Unauthorized
from kedge.ops import users
from kedge.ops.passwords import SHORTEST

routes = Blueprint("invitation", __name__)


@routes.get("/dashboard/invitations/<token>")
@public
def form(token: str) -> Response:
    """Who invites whom, and what is needed."""
    return _form(token, NO_PROBLEM)


@routes.post("/dashboard/invitations/<token>")
@public
def accept(token: str) -> Response:
    """Become a user."""
    name, password = request.form.get("name", ""), request.form.get("password", "")
    try:
        made = users.accept(context.services(), token, name, password, context.client())
    except InvalidParams as error:
        return _form(token, Problem("accept", error.message, {"name": name}), error.status)
    except Unauthorized as error:
        return _spent(error)
    return signed_in(made, None)


def _form(token: str, problem: Problem, status: int = 200) -> Response:
    try:
        invitation = users.find_invitation(context.services(), token)
    except Unauthorized as error:
        return _spent(error)
    return framed(
        "invitation", status, title="Welcome", problem=problem, invitation=invitation, link=token,
        shortest=SHORTEST,
    )  # fmt: skip


def _spent(error: Unauthorized) -> Response:
    return framed("error", error.status, title="This link leads nowhere", words=error.message)
