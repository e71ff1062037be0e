"""The services with their hooks: what serves, as against what is offered (`offers.py`)."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from kedge_addons.database import Database
from kedge_addons.engine import Engine
from kedge_addons.instances import Instances
from kedge_addons.keys import Keys
from kedge_addons.offer import Offer
from kedge_addons.offers import OFFERS
from kedge_addons.platform import Platform
from kedge_addons.resources import Resources
from kedge_addons.service import Service, Tools
from kedge_addons.settings import Settings


def tools(settings: Settings, keys: Keys) -> Tools:
    """What the hooks of an installation work with."""
    database = Database(settings.database_url)
    engine = Engine(settings.docker_host, settings.installation)
    return Tools(
        settings=settings,
        keys=keys,
        database=database,
        resources=Resources(database, keys),
        instances=Instances(engine, settings.image),
        platform=Platform(database, keys, settings.platform_socket),
    )


def services(given: Tools) -> dict[str, Service]:
    """The hooks of every service, by its name."""
    return {offer.name: _hooks(offer)(given) for offer in OFFERS}


def _hooks(offer: Offer) -> type[Service]:
    module, _, name = offer.hooks.partition(":")
    return cast("type[Service]", getattr(import_module(module), name))
