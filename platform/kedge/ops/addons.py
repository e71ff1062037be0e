"""Add-ons: made, moved to another plan, destroyed, brought back.

A row says what is wanted; `ops/provisioning.py` then has the provider do it, and tries again until
it is done. So a provider that is away, or a part of ours that dies, loses nothing.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kedge.errors import Conflict, InvalidParams, NotFound, ProviderRefused, Unconfirmed
from kedge.ids import as_uuid
from kedge.model.addon import ALIVE, Addon, Attachment, Plan, State
from kedge.model.app import App
from kedge.model.config import Config
from kedge.ops import attached, attachments, provisioning
from kedge.ops.addon_services import plan_of, provider_of, secrets_of
from kedge.ops.authorize import Action, Actor, find_app, record, visible_to
from kedge.ops.services import Services
from kedge.plan import addons as plan

OPTIONS_LIMIT = 50
FAILED_LATELY = timedelta(hours=1)
_WORDS = (
    "acute", "animated", "asymmetrical", "clear", "colorful", "concave", "contoured", "convex",
    "crystalline", "cubed", "curved", "cylindrical", "deep", "elliptical", "fitted", "flat",
    "flexible", "globular", "graceful", "horizontal", "infinite", "lively", "metric", "octagonal",
    "opaque", "parallel", "perpendicular", "polished", "rigid", "rugged", "shaped", "silhouetted",
    "solid", "spherical", "sturdy", "symmetrical", "tapered", "triangular", "vertical", "wavy",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sso:
    """A form a browser posts to sign a person in at a provider; `fields` are its values."""

    action: str
    fields: Mapping[str, str]


def create(
    services: Services,
    actor: Actor,
    app_identity: str,
    plan_identity: str,
    *,
    name: str | None = None,
    attachment_name: str | None = None,
    options: Mapping[str, object] | None = None,
    idempotency_key: str | None = None,
) -> Addon:
    """Have an add-on made for an app. It is attached when its provider is done.

    A fast provider is waited for a few seconds. The same `idempotency_key` again is the same
    add-on.

    Raises:
        InvalidParams: no such plan, or a name that may not be or is taken.
        ProviderRefused: the provider says no.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.OPERATE, lock=True)
        key = f"{actor.account_id}:{idempotency_key}"[:200] if idempotency_key else None
        if key and (known := tx.scalar(select(Addon).where(Addon.idempotency_key == key))):
            return known
        made = _new(services, tx, actor, plan_of(tx, plan_identity), name)
        made.app_id, made.idempotency_key = app.id, key
        made.began_at = services.now()
        made.sealed_options = _sealed_options(services, made, options)
        tx.add(made)
        _flush_name(tx, made.name)
        attachment = attachments.reserve(services, tx, app, made, attachment_name)
        record(tx, actor, "addon.create", app, addon=made.name, plan=made.plan.name,
               attachment=attachment.name)  # fmt: skip
        provisioning.soon(services, tx, made)
    return _settled(services, made.id)


def change_plan(services: Services, actor: Actor, identity: str, plan_identity: str) -> Addon:
    """Move an add-on to another plan of its service. The provider decides.

    Raises:
        InvalidParams: no such plan, or one of another service.
        ProviderRefused: what is in it does not fit, in the provider's words.
        ProviderAway: it does not answer.
    """
    with services.database.transaction() as tx:
        addon = _changeable(tx, actor, identity)
        wanted = plan_of(tx, plan_identity)
        if wanted.service_id != addon.plan.service_id:
            raise InvalidParams(f"{wanted.name} is not a plan of {addon.service.name}.")
    if wanted.id != addon.plan_id:
        provider = provider_of(services, addon.service)
        place = str(addon.provider_id)
        with provisioning.asking(services, addon.id):
            answer = services.partner.change_plan(provider, place, wanted.short_name)
            provisioning.move(services, actor, addon.id, wanted.id, answer)
    return find(services, actor, str(addon.id))


def rename(services: Services, actor: Actor, identity: str, name: str) -> Addon:
    """Give an add-on another name. Raises InvalidParams."""
    with services.database.transaction() as tx:
        addon = _changeable(tx, actor, identity)
        if addon.service.is_builtin:
            raise InvalidParams(
                "Add-ons of the platform itself keep their name: apps reach them by it."
            )
        record(tx, actor, "addon.rename", addon.app, old=addon.name, new=name)
        addon.name = plan.check_addon_name(name)
        _flush_name(tx, name)
        return addon


def destroy(services: Services, actor: Actor, identity: str, *, force: bool = False) -> Addon:
    """Destroy an add-on: detached everywhere at once, then its provider removes it.

    The platform's own services keep what was in it for seven days (`restore`).

    Raises:
        Unconfirmed: it is attached to other apps too, and `force` was not said.
    """
    with services.database.transaction() as tx:
        addon = attachments.hold(tx, _of(tx, actor, identity, Action.OPERATE).id)
        if addon.state not in ALIVE:
            return addon
        others = {each.app.name for each in attachments.of_addon(tx, addon)
                  if each.app_id != addon.app_id}  # fmt: skip
        if others and not force:
            raise Unconfirmed(
                f"{addon.name} is attached to {', '.join(sorted(others))} too. Detach it there, "
                "or destroy it with --force.", resource="add_on",
            )  # fmt: skip
        record(tx, actor, "addon.destroy", addon.app, addon=addon.name)
        attachments.detach_all(services, tx, actor, addon)
        addon.state = State.DEPROVISIONING
        provisioning.soon(services, tx, addon)
    return _settled(services, addon.id)


def restore(services: Services, actor: Actor, identity: str) -> Addon:
    """Bring a destroyed add-on back, with all that was in it, and attach it to its app again.

    Raises:
        NotFound: there is none that rests.
        Conflict: its app is gone.
    """
    with services.database.transaction() as tx:
        addon = _resting(tx, actor, identity)
        if addon.app is None or addon.app.deleting_at:
            raise Conflict(f"The app of {addon.name} is gone. Its backups are what is left of it.")
        find_app(tx, actor, addon.app.id, Action.OPERATE, lock=True)
        addon = tx.lock(Addon, addon.id)
        if addon.state != State.RESTING or addon.app is None:
            raise Conflict(f"{addon.name} is {addon.state} already.")
        attachments.reserve(services, tx, addon.app, addon, None)
        addon.state, addon.is_restoring = State.PROVISIONING, True
        addon.began_at = services.now()
        record(tx, actor, "addon.restore", addon.app, addon=addon.name)
        provisioning.soon(services, tx, addon)
    return _settled(services, addon.id)


def list_of_app(services: Services, actor: Actor, app_identity: str) -> list[Addon]:
    """The add-ons that are the app's own, by name."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        query = select(Addon).where(Addon.app_id == app.id, Addon.state.in_(ALIVE))
        return list(tx.scalars(query.order_by(Addon.name)))


def list_all(services: Services, actor: Actor, *, resting: bool = False) -> list[Addon]:
    """The add-ons of all apps the actor sees, by name; with `resting` those that were destroyed."""
    states = (State.RESTING,) if resting else ALIVE
    query = select(Addon).join(App, App.id == Addon.app_id).where(Addon.state.in_(states))
    with services.database.transaction() as tx:
        return list(tx.scalars(query.where(*visible_to(actor)).order_by(Addon.name)))


def failed_lately(services: Services, actor: Actor, app_identity: str) -> list[Addon]:
    """The add-ons that were asked for in the last hour and that their provider refused."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        return list(tx.scalars(_failed(services).where(Addon.app_id == app.id)))


def find(services: Services, actor: Actor, identity: str, app_identity: str | None = None) -> Addon:
    """An add-on by name or id (of an app, also by its attachment's name).

    One its provider refused is found for an hour more, so that whoever waits for it learns why.

    Raises:
        NotFound: there is none.
    """
    with services.database.transaction() as tx:
        try:
            return _of(tx, actor, identity, Action.VIEW, app_identity)
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
    if "::" in identity:
        app, _, identity = identity.partition("::")
    with services.database.transaction() as tx:
        within = find_app(tx, actor, app, Action.VIEW) if app else None
        found = _meant(tx, actor, identity, within)
        if service:
            found = [each for each in found if service in (each.service.name, each.plan.name)]
        if not found:
            raise _no_such(identity)
        return found


def config(services: Services, actor: Actor, identity: str) -> Config:
    """What the provider gave for an add-on, by its own names."""
    with services.database.transaction() as tx:
        return attached.provider_config(services, _of(tx, actor, identity, Action.DEPLOY))


def sso(services: Services, actor: Actor, identity: str, context: str | None = None) -> Sso:
    """The form that signs the actor in at the add-on's provider, good for a few minutes.

    The token is Heroku's: sha1 of the resource's id, the salt and the time. Who is signed in there
    does as they like with what is in the add-on, so this is for those who may operate the app.

    Raises:
        Forbidden: the actor may only see the app.
        InvalidParams: the provider has nothing to sign in to, or is not done yet.
    """
    with services.database.transaction() as tx:
        addon = _of(tx, actor, identity, Action.OPERATE)
    if not addon.service.sso_url or not addon.provider_id:
        raise InvalidParams(f"{addon.service.human_name} has no page of its own to open.")
    timestamp = str(int(services.now().timestamp()))
    salt = secrets_of(services, addon.service)["sso_salt"]
    salted = f"{addon.provider_id}:{salt}:{timestamp}"
    token = hashlib.sha1(salted.encode(), usedforsecurity=False).hexdigest()
    app_name = addon.app.name if addon.app else ""
    return Sso(
        addon.service.sso_url,
        {
            "resource_id": str(addon.provider_id), "resource_token": token,
            "token": token, "id": str(addon.provider_id), "timestamp": timestamp,
            "nav-data": "", "email": actor.email, "user_id": str(actor.account_id),
            "app": app_name, "context_app": context or app_name,
        },
    )  # fmt: skip


def ask(
    services: Services, addon: Addon, method: str, path: str,
    body: Mapping[str, object] | None = None,
) -> object:  # fmt: skip
    """A call only the platform's own providers understand, about one of their add-ons.

    The caller has found the add-on by what the actor may do.
    """
    provider = provider_of(services, addon.service)
    own = provider.base_url.removesuffix("/heroku/resources")
    asked = type(provider)(provider.name, own, provider.password)
    place = f"/kedge/resources/{addon.provider_id}{path}"
    return services.partner.ask(asked, method, place, body)


def options_context(addon_id: uuid.UUID) -> str:
    """What the options of an add-on are sealed for."""
    return f"options of add-on {addon_id}"


def _new(services: Services, tx: Session, actor: Actor, wanted: Plan, name: str | None) -> Addon:
    del services
    chosen = plan.check_addon_name(name) if name else None
    while chosen is None:
        words, number = secrets.choice(_WORDS), secrets.randbelow(90_000) + 10_000
        drawn = plan.addon_name(wanted.service.name, words, number)
        chosen = None if tx.scalar(select(Addon.id).where(Addon.name == drawn)) else drawn
    return Addon(id=uuid.uuid4(), name=chosen, plan=wanted, plan_id=wanted.id,
                 user_id=actor.account_id, state=State.PROVISIONING)  # fmt: skip


def _sealed_options(
    services: Services, addon: Addon, options: Mapping[str, object] | None
) -> bytes | None:
    if not options:
        return None
    texts = {str(key)[:100]: value for key, value in options.items()}
    if len(texts) > OPTIONS_LIMIT or not all(
        isinstance(v, str | int | bool) for v in texts.values()
    ):
        raise InvalidParams("The options of an add-on are up to 50 names with texts or numbers.")
    return services.vault.seal(json.dumps(texts).encode(), options_context(addon.id))


def _settled(services: Services, addon_id: uuid.UUID) -> Addon:
    """The add-on after its provider was given a moment. Raises ProviderRefused."""
    provisioning.wait(services, addon_id)
    with services.database.transaction() as tx:
        addon = tx.get_one(Addon, addon_id)
        if addon.state not in ALIVE and addon.failure:
            raise ProviderRefused(addon.service.name, addon.failure)
        return addon


def _changeable(tx: Session, actor: Actor, identity: str) -> Addon:
    addon = _of(tx, actor, identity, Action.OPERATE)
    if addon.state != State.PROVISIONED:
        raise Conflict(f"{addon.name} is {addon.state}. Wait until that is done.")
    return addon


def _of(
    tx: Session, actor: Actor, identity: str, action: Action, app_identity: str | None = None
) -> Addon:
    """The one add-on of that name or id, when the actor may do this to its app."""
    within = find_app(tx, actor, app_identity, Action.VIEW) if app_identity else None
    found = _meant(tx, actor, identity, within)
    if len(found) > 1:
        named = ", ".join(each.name for each in found)
        raise InvalidParams(f"Several add-ons may be meant: {named}. Name one of them.")
    if not found:
        raise _no_such(identity)
    if found[0].app is None:
        raise _no_such(identity)
    find_app(tx, actor, found[0].app.id, action)
    return found[0]


def _meant(tx: Session, actor: Actor, identity: str, within: App | None) -> list[Addon]:
    """By name or id first; then, of an app, by attachment; then by service."""
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


def _resting(tx: Session, actor: Actor, identity: str) -> Addon:
    wanted = as_uuid(identity)
    query = select(Addon).where(Addon.state == State.RESTING)
    found = tx.scalar(query.where(Addon.id == wanted if wanted else Addon.name == identity))
    if found is None or found.app is None:
        raise NotFound.of("add_on", f"There is no destroyed add-on {identity[:100]!r} that rests.")
    find_app(tx, actor, found.app.id, Action.OPERATE)
    return found


def _no_such(identity: str) -> NotFound:
    return NotFound.of("add_on", f"Couldn't find that add-on: {identity[:100]}.")


def _flush_name(tx: Session, name: str) -> None:
    try:
        tx.flush()
    except IntegrityError as error:
        raise InvalidParams(f"The name {name} is already taken. Choose another one.") from error
