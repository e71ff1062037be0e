"""Transfers: an app offered to another owner."""

from __future__ import annotations

from flask import Blueprint, Response

from kedge.api import app as app_
from kedge.api import bodies
from kedge.api.answers import answer
from kedge.api.context import actor, services
from kedge.api.lists import answer_list
from kedge.clock import iso
from kedge.errors import InvalidParams
from kedge.model.account import Account
from kedge.model.collaborator import Transfer
from kedge.model.tables import Json
from kedge.ops import collaborators

routes = Blueprint("transfers", __name__)


def shown(transfer: Transfer) -> Json:
    """A transfer as the API shows it."""
    return {
        "app": app_.named(transfer.app),
        "created_at": iso(transfer.created_at),
        "id": str(transfer.id),
        "owner": _person(transfer.owner),
        "recipient": _person(transfer.recipient),
        "state": transfer.state,
        "updated_at": iso(transfer.updated_at),
    }


@routes.get("/account/app-transfers")
def list_() -> Response:
    """The transfers from and to the account that asks."""
    return answer_list([shown(each) for each in collaborators.list_transfers(services(), actor())])


@routes.post("/account/app-transfers")
def create() -> Response:
    """Offer an app to another owner."""
    body = bodies.body()
    app, recipient = bodies.identity(body, "app"), body.get("recipient")
    if isinstance(recipient, dict):
        recipient = recipient.get("email") or recipient.get("id")
    user = bodies.text({"recipient": recipient}, "recipient", limit=254)
    if not app or not user:
        raise InvalidParams("Name the app and its recipient's e-mail address.")
    return answer(shown(collaborators.offer(services(), actor(), app, user)), 201)


@routes.get("/account/app-transfers/<transfer>")
def info(transfer: str) -> Response:
    """One transfer, by id or by its app's name."""
    return answer(shown(collaborators.find_transfer(services(), actor(), transfer)))


@routes.patch("/account/app-transfers/<transfer>")
def update(transfer: str) -> Response:
    """Accept or decline an app one was offered."""
    state = bodies.text(bodies.body(), "state", limit=20) or ""
    return answer(shown(collaborators.answer(services(), actor(), transfer, state)))


@routes.delete("/account/app-transfers/<transfer>")
def destroy(transfer: str) -> Response:
    """Take an offer back."""
    return answer(shown(collaborators.withdraw(services(), actor(), transfer)))


def _person(account: Account) -> Json:
    return {"email": account.email, "id": str(account.id)}
