"""Apps: made, listed, renamed, put into maintenance, destroyed."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kedge.errors import InvalidParams, Unconfirmed
from kedge.model.addon import Addon
from kedge.model.addon import State as AddonState
from kedge.model.app import DEFAULT_STACK, App, check_name
from kedge.model.build import Build
from kedge.model.domain import Domain
from kedge.model.release import Change, Release
from kedge.model.slug import Slug
from kedge.ops import (
    addon_locks,
    attached,
    attachment_releases,
    builds,
    provisioning,
    releases,
    snapshots,
)
from kedge.ops.authorize import Action, Actor, find_app, record, visible_to
from kedge.ops.pages import Key, Keys, Page, moment, paged
from kedge.ops.services import Services

KEYS: Keys = {
    "id": Key(App.id, uuid.UUID),
    "name": Key(App.name, str),
    "created_at": Key(App.created_at, moment, is_unique=False),
    "updated_at": Key(App.updated_at, moment, is_unique=False),
}
_ADJECTIVES = ("calm", "bright", "quiet", "gentle", "swift", "sunny", "misty", "silver", "amber")
_NOUNS = ("harbor", "river", "meadow", "valley", "island", "lagoon", "forest", "canyon", "reef")


def create(
    services: Services, actor: Actor, name: str | None = None, stack: str | None = None
) -> App:
    """A new app with its first two releases, as on Heroku.

    Raises:
        InvalidParams: the name may not be, or is taken; the stack is unknown.
    """
    name = check_name(name) if name is not None else _generated_name()
    check_stack(stack)
    with services.database.transaction() as tx:
        app = App(name=name, owner_id=actor.account_id)
        tx.add(app)
        _flush_name(tx, name)
        tx.refresh(app)
        tx.add(Domain(app_id=app.id, hostname=default_hostname(services, name), kind="heroku"))
        _flush_name(tx, name)
        empty = snapshots.seal(services, tx, app, {})
        for description in ("Initial release", "Enable Logplex"):
            releases.append(services, tx, actor, app, Change.CREATION, description, config=empty)
        record(tx, actor, "app.create", app, name=name)
        return app


def check_stack(stack: str | None) -> None:
    """Raises InvalidParams when a stack is asked for that does not exist."""
    if stack not in (None, DEFAULT_STACK):
        raise InvalidParams(f"Couldn't find that stack. There is: {DEFAULT_STACK}.")


def list_apps(services: Services, actor: Actor, page: Page) -> list[App]:
    """A page of the apps an actor may see (`KEYS` order it), and one more when there is one."""
    query = select(App).where(*visible_to(actor))
    with services.database.transaction() as tx:
        return list(tx.scalars(paged(query, page, KEYS, App.id)))


def find(services: Services, actor: Actor, identity: str, action: Action = Action.VIEW) -> App:
    """An app by name or id, of which the actor may do this. Raises NotFound, Forbidden."""
    with services.database.transaction() as tx:
        return find_app(tx, actor, identity, action)


def rename(services: Services, actor: Actor, identity: str, name: object) -> App:
    """Give the app another name; its address changes with it.

    Raises:
        InvalidParams: the name may not be, or is taken.
    """
    name = check_name(name)
    with services.database.transaction() as tx:
        app = find_app(tx, actor, identity, Action.MANAGE, lock=True)
        record(tx, actor, "app.rename", app, old=app.name, new=name)
        own = tx.scalars(
            select(Domain).where(Domain.app_id == app.id, Domain.kind == "heroku")
        ).one()
        app.name = name
        own.hostname = default_hostname(services, name)
        _flush_name(tx, name)
        services.wake_app(tx, app.id)
        return app


def set_maintenance(services: Services, actor: Actor, identity: str, *, on: bool) -> App:
    """Turn maintenance mode on or off: the router answers with the maintenance page (H80)."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, identity, Action.OPERATE, lock=True)
        if app.maintenance != on:
            app.maintenance = on
            record(tx, actor, "app.maintenance", app, on=on)
            words = "on" if on else "off"
            services.say(tx, app.id, f"Maintenance mode turned {words} by user {actor.email}")
            services.wake_app(tx, app.id)
        return app


def destroy(services: Services, actor: Actor, identity: str, *, confirm: str | None = None) -> App:
    """Begin the end of an app: from now on it takes no changes; the supervisor ends its dynos.

    Raises:
        AppBeingDeleted: somebody else already does.
        Unconfirmed: others use one of its add-ons, which goes with it, and `confirm` is not the
            app's name.
    """
    with services.database.transaction() as tx:
        seen = find_app(tx, actor, identity, Action.MANAGE, for_change=True)
        held = addon_locks.hold_all(tx, seen.id)
        app = find_app(tx, actor, seen.id, Action.MANAGE, lock=True)
        if confirm not in (app.name, str(app.id)):
            _check_shared(tx, actor, app, held)
        app.deleting_at = services.now()
        for addon in held:
            attachment_releases.detach_all(services, tx, actor, addon)
            addon.state = AddonState.DEPROVISIONING
            provisioning.soon(services, tx, addon)
        for build in tx.scalars(
            select(Build).where(Build.app_id == app.id, Build.status == "pending")
        ):
            builds.request_cancel(services, tx, build)
        record(tx, actor, "app.destroy", app, name=app.name)
        services.wake_app(tx, app.id)
        return app


def _check_shared(tx: Session, actor: Actor, app: App, addons: Iterable[Addon]) -> None:
    """Raises Unconfirmed where other apps use an add-on that goes with this one."""
    for addon in addons:
        others = attached.elsewhere(tx, actor, addon, app.id)
        if others:
            raise Unconfirmed(
                f"{addon.name} goes with {app.name}, and is attached to {others} too. "
                f"Detach it there, or say that it may: `kedge apps:destroy -a {app.name} --force`.",
                resource="app",
            )


def erase(tx: Session, app: App) -> None:
    """Remove an app whose containers and route are gone, with all its rows."""
    for table in (Build, Release, Slug):
        tx.execute(delete(table).where(table.app_id == app.id))
    tx.delete(app)


def default_hostname(services: Services, name: str) -> str:
    """Where an app answers without any custom domain."""
    return f"{name}.{services.settings.domain}"


def _flush_name(tx: Session, name: str) -> None:
    try:
        tx.flush()
    except IntegrityError as error:
        raise InvalidParams(f"Name {name} is already taken. Choose another one.") from error


def _generated_name() -> str:
    words = f"{secrets.choice(_ADJECTIVES)}-{secrets.choice(_NOUNS)}"
    return f"{words}-{secrets.randbelow(90_000) + 10_000}"
