"""Each person's favourite apps."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from kedge.model.favourite import Favourite
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.services import Services


def set_favourite(services: Services, actor: Actor, app_identity: str, *, on: bool) -> None:
    """Make an app one of the actor's favourites, or no longer. Done twice is done once."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        row = {"account_id": actor.account_id, "app_id": app.id}
        if on:
            tx.execute(insert(Favourite).values(row).on_conflict_do_nothing())
        else:
            tx.execute(delete(Favourite).filter_by(**row))
        tx.touch(app.id)
