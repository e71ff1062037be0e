"""Domains: host names that lead to an app."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kedge.errors import InvalidParams, NotFound
from kedge.ids import as_uuid
from kedge.model.app import App
from kedge.model.domain import Domain, check_hostname
from kedge.ops.authorize import Action, Actor, find_app, record
from kedge.ops.services import Services


def list_domains(services: Services, actor: Actor, app_identity: str) -> list[Domain]:
    """The app's host names, its own first."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.VIEW)
        query = select(Domain).where(Domain.app_id == app.id)
        return sorted(tx.scalars(query), key=lambda row: (row.kind != "heroku", row.hostname))


def find(services: Services, actor: Actor, app_identity: str, identity: str) -> Domain:
    """A domain by host name or id. Raises NotFound."""
    with services.database.transaction() as tx:
        return _find(tx, find_app(tx, actor, app_identity, Action.VIEW), identity)


def add(services: Services, actor: Actor, app_identity: str, hostname: object) -> Domain:
    """Lead a host name to the app.

    Raises:
        InvalidParams: not a host name, the platform's own, or another app's.
    """
    name = check_hostname(hostname)
    if name == services.settings.domain or name.endswith(f".{services.settings.domain}"):
        raise InvalidParams(
            f"{name} lies under the platform's own domain; apps get their name there "
            "by themselves. Add a domain of your own."
        )
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.OPERATE, lock=True)
        domain = Domain(app_id=app.id, hostname=name, kind="custom")
        tx.add(domain)
        try:
            tx.flush()
        except IntegrityError:
            raise InvalidParams(f"{name} is already in use by an app of this platform.") from None
        tx.refresh(domain)
        record(tx, actor, "domain.create", app, hostname=name)
        services.wake_app(tx, app.id)
        return domain


def update(
    services: Services, actor: Actor, app_identity: str, identity: str, sni_endpoint: object
) -> Domain:
    """The domain, with the SNI endpoint it is to have: none, whoever asks for another is refused.

    Raises:
        NotFound: the app has no such domain.
        InvalidParams: as `check_sni_endpoint`, or it is the app's own name.
    """
    check_sni_endpoint(sni_endpoint)
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.OPERATE)
        domain = _find(tx, app, identity)
        if domain.kind == "heroku":
            raise InvalidParams(f"{domain.hostname} is the app's own address and has none.")
        return domain


def check_sni_endpoint(identity: object) -> None:
    """Raises InvalidParams for all but null: there are none, certificates come by themselves."""
    if identity:
        raise InvalidParams(
            "Couldn't find that SNI endpoint: there are none here, as Kedge sees to the "
            "certificates of domains. Leave sni_endpoint out, or set it to null.",
            resource="sni_endpoint",
        )


def remove(services: Services, actor: Actor, app_identity: str, identity: str) -> Domain:
    """Lead a host name nowhere any more.

    Raises:
        NotFound: the app has no such domain.
        InvalidParams: it is the app's own name under the platform's domain.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.OPERATE, lock=True)
        domain = _find(tx, app, identity)
        if domain.kind == "heroku":
            raise InvalidParams(f"{domain.hostname} is the app's own address and stays with it.")
        tx.delete(domain)
        record(tx, actor, "domain.destroy", app, hostname=domain.hostname)
        services.wake_app(tx, app.id)
        return domain


def _find(tx: Session, app: App, identity: str) -> Domain:
    query = select(Domain).where(Domain.app_id == app.id)
    known = as_uuid(identity)
    found = tx.scalar(
        query.where(Domain.id == known if known else Domain.hostname == identity.lower())
    )
    if found is None:
        raise NotFound.of("domain")
    return found
