"""The add-ons there are: listed, and found by whatever name a person means one by."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, contains_eager

from kedge.errors import Conflict, InvalidParams, NotFound
from kedge.ids import as_uuid
from kedge.model.addon import ALIVE, Addon, Attachment, Plan, State
from kedge.model.app import App
from kedge.model.config import Config
from kedge.ops import attached
from kedge.ops.authorize import Action, Actor, find_app, visible_to
from kedge.ops.services import Services

FAILED_LATELY = timedelta(hours=1)


def list_of_app(
    services: Services, actor: Actor, app_identity: str, *, with_shared: bool = False
) -> list[Addon]:
    """The add-ons that are the app's own, by name.

    `with_shared`: then those it has of other apps, as far as the actor sees these.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        alive = select(Addon).where(Addon.state.in_(ALIVE)).order_by(Addon.name)
        found = list(tx.scalars(alive.where(Addon.app_id == app.id)))
        if with_shared:
            held = select(Attachment.addon_id).where(Attachment.app_id == app.id)
            others = alive.join(App, App.id == Addon.app_id).where(*visible_to(actor))
            found += tx.scalars(others.where(Addon.id.in_(held), Addon.app_id != app.id))
        return found


def list_all(services: Services, actor: Actor, *, resting: bool = False) -> list[Addon]:
    """The add-ons of all apps the actor sees, by name; with `resting` those that were destroyed."""
    states = (State.RESTING,) if resting else ALIVE
    query = select(Addon).join(Addon.app).options(contains_eager(Addon.app))
    query = query.where(Addon.state.in_(states))
    with services.database.transaction() as tx:
        return list(tx.scalars(query.where(*visible_to(actor)).order_by(Addon.name)))


def failed_lately(services: Services, actor: Actor, app_identity: str) -> list[Addon]:
    """The add-ons that were asked for in the last hour and that their provider refused."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        return list(tx.scalars(_failed(services).where(Addon.app_id == app.id)))


def find(services: Services, actor: Actor, identity: str, app_identity: str | None = None) -> Addon:
    """An add-on by name, id or `app::ATTACHMENT` (of an app, also by its attachment's name).

    One its provider refused is found for an hour more, so that whoever waits for it learns why.

    Raises:
        NotFound: there is none.
    """
    with services.database.transaction() as tx:
        try:
            return one(tx, actor, identity, Action.VIEW, app_identity)
        except NotFound:
            if refused := _refused_lately(services, tx, actor, identity):
                return refused
            raise


def resolve(
    services: Services, actor: Actor, identity: str, app: str | None, service: str | None = None
) -> list[Addon]:
    """The add-ons a person may mean: by name, id, service, attachment, or `app::ATTACHMENT`.

    Raises:
        NotFound: none.
    """
    with services.database.transaction() as tx:
        found = _meant(tx, actor, identity, app)
        if service:
            found = [each for each in found if service in (each.service.name, each.plan.name)]
        if not found:
            raise no_such(identity)
        return found


def config(services: Services, actor: Actor, identity: str) -> Config:
    """What the provider gave for an add-on, by its own names."""
    with services.database.transaction() as tx:
        return attached.provider_config(services, one(tx, actor, identity, Action.DEPLOY))


def one(
    tx: Session, actor: Actor, identity: str, action: Action, app_identity: str | None = None
) -> Addon:
    """The one add-on of that name or id, when the actor may do this to its app."""
    found = _meant(tx, actor, identity, app_identity)
    if len(found) > 1:
        named = ", ".join(each.name for each in found)
        raise InvalidParams(f"Several add-ons may be meant: {named}. Name one of them.")
    if not found:
        raise no_such(identity)
    if found[0].app is None:
        raise no_such(identity)
    find_app(tx, actor, found[0].app.id, action)
    return found[0]


def resting_one(tx: Session, actor: Actor, identity: str) -> Addon:
    """The destroyed add-on of that name or id whose provider still keeps it. Raises NotFound."""
    wanted = as_uuid(identity)
    query = select(Addon).where(Addon.state == State.RESTING)
    found = tx.scalar(query.where(Addon.id == wanted if wanted else Addon.name == identity))
    if found is None or found.app is None:
        raise NotFound.of("add_on", f"There is no destroyed add-on {identity[:100]!r} that rests.")
    find_app(tx, actor, found.app.id, Action.OPERATE)
    return found


def not_there(addon: Addon) -> Conflict:
    """What is raised where an add-on would have to be there, and is not yet, or no longer."""
    if addon.state != State.PROVISIONING:
        return Conflict(f"{addon.name} is being destroyed.", resource="add_on")
    return Conflict(
        f"{addon.name} is still being created. `kedge addons:wait {addon.name}` waits for it.",
        resource="add_on",
    )


def no_such(identity: str) -> NotFound:
    """What is raised where there is no add-on of that name."""
    return NotFound.of("add_on", f"Couldn't find that add-on: {identity[:100]}.")


def _meant(tx: Session, actor: Actor, identity: str, app: str | None) -> list[Addon]:
    """By name or id first; then, of an app (also `app::NAME`), by attachment; then by service."""
    if "::" in identity:
        app, _, identity = identity.partition("::")
    within = find_app(tx, actor, app, Action.VIEW) if app else None
    wanted = as_uuid(identity)
    seen = select(Addon).join(App, App.id == Addon.app_id).where(*visible_to(actor))
    alive = seen.where(Addon.state.in_(ALIVE))
    exact = alive.where(Addon.id == wanted if wanted else Addon.name == identity)
    if found := list(tx.scalars(exact)):
        return found
    if within is not None:
        name = identity.upper().removesuffix("_URL")
        held = select(Attachment.addon_id).where(
            Attachment.app_id == within.id, Attachment.name.in_({name, identity})
        )
        if found := list(tx.scalars(select(Addon).where(Addon.id.in_(held)))):
            return found
        alive = alive.where(Addon.app_id == within.id)
    joined = select(Plan.id).where(
        or_(Plan.name == identity, Plan.name.startswith(f"{identity}:", autoescape=True))
    )
    return list(tx.scalars(alive.where(Addon.plan_id.in_(joined)).order_by(Addon.name)))


def _failed(services: Services) -> Select[Addon]:
    """Add-ons that will not be, of the last hour, the newest first."""
    gone = Addon.state.in_((State.DEPROVISIONING, State.DEPROVISIONED))
    since = services.now() - FAILED_LATELY
    query = select(Addon).where(gone, Addon.failure.is_not(None), Addon.updated_at > since)
    return query.order_by(Addon.updated_at.desc())


def _refused_lately(services: Services, tx: Session, actor: Actor, identity: str) -> Addon | None:
    wanted = as_uuid(identity)
    seen = _failed(services).join(App, App.id == Addon.app_id).where(*visible_to(actor))
    return tx.scalars(seen.where(Addon.id == wanted if wanted else Addon.name == identity)).first()
