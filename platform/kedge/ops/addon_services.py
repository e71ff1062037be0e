"""The services add-ons are of: registered by their manifests, with their plans."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kedge.engine.protocols import Provider
from kedge.errors import Conflict, InvalidParams, NotFound
from kedge.ids import as_uuid
from kedge.model.addon import ALIVE, Addon, AddonService, Plan, State
from kedge.ops.authorize import Actor, record, require_owner
from kedge.ops.services import Services
from kedge.plan.manifest import Manifest, ManifestPlan, read_manifest


def register(
    services: Services, actor: Actor | None, written: Mapping[str, Any], *, is_builtin: bool = False
) -> AddonService:
    """Make a service of a manifest, or change the one of its id; add-ons of it go on.

    The address it names is the owner's word: it may be on this machine or a private network.

    Args:
        services: as everywhere.
        actor: an owner of the installation; None where the installation registers its own.
        written: the manifest.
        is_builtin: it is one of the installation's own.

    Raises:
        Forbidden: not an owner of the installation.
        InvalidParams: what is wrong with the manifest.
        Conflict: the id is a built-in service's.
    """
    if actor is not None:
        require_owner(actor)
    manifest = read_manifest(written)
    with services.database.transaction() as tx:
        found = tx.scalar(
            select(AddonService).where(AddonService.name == manifest.id).with_for_update()
        )
        if found is not None and found.is_builtin and not is_builtin:
            raise Conflict(f"{manifest.id} is one of the platform's own services.")
        service = found or AddonService(id=uuid.uuid4(), name=manifest.id)
        _fill(services, service, manifest, is_builtin=is_builtin)
        tx.add(service)
        tx.flush()
        _fill_plans(tx, service, manifest.plans)
        if actor is not None:
            record(tx, actor, "addon_service.register", service=service.name)
        return service


def retire(services: Services, actor: Actor, identity: str) -> AddonService:
    """Offer a service no longer. One without any add-on is removed.

    Raises:
        Forbidden: not an owner of the installation.
        Conflict: there are add-ons of it.
    """
    require_owner(actor)
    with services.database.transaction() as tx:
        service = _service(tx, identity)
        plans = select(Plan.id).where(Plan.service_id == service.id)
        # What is on its way out goes on being asked for, and holds nobody up: its provider may
        # never answer again.
        used = select(Addon.name).where(
            Addon.plan_id.in_(plans), Addon.state.in_((*ALIVE, State.RESTING))
        )
        if names := list(tx.scalars(used.order_by(Addon.name).limit(3))):
            listed = ", ".join(names)
            raise Conflict(f"There are add-ons of {service.name}: {listed}. Destroy them first.")
        service.is_retired = True
        record(tx, actor, "addon_service.retire", service=service.name)
        return service


def list_services(services: Services) -> list[AddonService]:
    """What is offered, by name."""
    query = select(AddonService).where(AddonService.is_retired.is_(False))
    with services.database.transaction() as tx:
        return list(tx.scalars(query.order_by(AddonService.name)))


@dataclass(frozen=True, slots=True)
class InUse:
    """A service, how many plans it has, and how many add-ons there are of it."""

    service: AddonService
    plans: int
    addons: int


def list_in_use(services: Services, actor: Actor) -> list[InUse]:
    """What is offered with how much of it is in use, by name. Raises Forbidden."""
    require_owner(actor)
    plans = (
        select(func.count(Plan.id))
        .where(Plan.service_id == AddonService.id, Plan.is_retired.is_(False))
        .scalar_subquery()
    )
    used = (
        select(func.count(Addon.id))
        .join(Plan, Addon.plan_id == Plan.id)
        .where(Plan.service_id == AddonService.id, Addon.state != State.DEPROVISIONED)
        .scalar_subquery()
    )
    query = select(AddonService, plans, used).where(AddonService.is_retired.is_(False))
    with services.database.transaction() as tx:
        rows = tx.execute(query.order_by(AddonService.is_builtin.desc(), AddonService.name))
        return [InUse(*row) for row in rows]


def find_service(services: Services, identity: str) -> AddonService:
    """A service by name or id. Raises NotFound."""
    with services.database.transaction() as tx:
        return _service(tx, identity)


def list_plans(services: Services, identity: str) -> list[Plan]:
    """The plans of a service, as its manifest orders them. Raises NotFound."""
    with services.database.transaction() as tx:
        service = _service(tx, identity)
        query = select(Plan).where(Plan.service_id == service.id, Plan.is_retired.is_(False))
        return list(tx.scalars(query.order_by(Plan.position)))


def find_plan(services: Services, identity: str) -> Plan:
    """A plan by its whole name, by id, or the default one of a service. Raises NotFound."""
    with services.database.transaction() as tx:
        return plan_of(tx, identity)


def plan_of(tx: Session, identity: str) -> Plan:
    """The same in a transaction. Raises InvalidParams, in Heroku's words."""
    wanted = as_uuid(identity)
    if wanted is not None:
        found = tx.get(Plan, wanted)
    else:
        name, colon, _ = identity.partition(":")
        by_name = select(Plan).join(AddonService, AddonService.id == Plan.service_id)
        query = by_name.where(AddonService.is_retired.is_(False), Plan.is_retired.is_(False))
        chosen = Plan.name == identity if colon else AddonService.name == name
        order = (Plan.is_default.desc(), Plan.position)
        found = tx.scalars(query.where(chosen).order_by(*order)).first()
    if found is None:
        shown = identity[:100]
        raise InvalidParams(
            f'Couldn\'t find either the add-on service or the add-on plan of "{shown}". '
            "`kedge addons:services` lists what there is.",
            resource="add_on",
        )
    return found


def provider_of(services: Services, service: AddonService) -> Provider:
    """Where a service's provider is asked, with our password for it."""
    secrets = secrets_of(services, service)
    return Provider(service.name, service.base_url, secrets["password"])


def secrets_of(services: Services, service: AddonService) -> dict[str, str]:
    """The `password` and `sso_salt` of a service."""
    opened = services.vault.open(service.sealed, manifest_context(service.id))
    found: dict[str, str] = json.loads(opened)
    return found


def manifest_context(service_id: uuid.UUID) -> str:
    """What a service's secrets are sealed for."""
    return f"manifest of {service_id}"


def _fill(
    services: Services, service: AddonService, manifest: Manifest, *, is_builtin: bool
) -> None:
    secrets = {"password": manifest.password, "sso_salt": manifest.sso_salt}
    service.human_name, service.description = manifest.human_name, manifest.description
    service.docs_url, service.icon = manifest.docs_url, manifest.icon
    service.base_url, service.sso_url = manifest.base_url, manifest.sso_url
    service.config_vars, service.prefix = list(manifest.config_vars), manifest.prefix
    service.primary_name = manifest.primary_name
    service.capabilities = list(manifest.capabilities)
    service.is_builtin, service.is_retired = is_builtin, False
    plain = json.dumps(secrets).encode()
    service.sealed = services.vault.seal(plain, manifest_context(service.id))


def _fill_plans(tx: Session, service: AddonService, wanted: tuple[ManifestPlan, ...]) -> None:
    """Plans the manifest names no more stay for the add-ons that have them."""
    known = {
        plan.short_name: plan
        for plan in tx.scalars(select(Plan).where(Plan.service_id == service.id))
    }
    has_default = any(plan.is_default for plan in wanted)
    for position, each in enumerate(wanted):
        plan = known.pop(each.name, None) or Plan(
            id=uuid.uuid4(), service_id=service.id, name=f"{service.name}:{each.name}"
        )
        plan.human_name, plan.description = each.human_name, each.description
        plan.price_cents, plan.price_unit = each.price_cents, each.price_unit
        plan.is_default = each.is_default or (not has_default and position == 0)
        plan.attributes, plan.position, plan.is_retired = dict(each.attributes), position, False
        tx.add(plan)
    for gone in known.values():
        gone.is_retired = True
    tx.flush()


def _service(tx: Session, identity: str) -> AddonService:
    wanted = as_uuid(identity)
    query = select(AddonService).where(AddonService.name == identity)
    found = tx.get(AddonService, wanted) if wanted else tx.scalar(query)
    if found is None or found.is_retired:
        raise NotFound.of(
            "add_on_service", f'Couldn\'t find the add-on service "{identity[:100]}".'
        )
    return found
