"""The options somebody gave for an add-on, which its provider is told and nobody else."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from kedge.errors import InvalidParams
from kedge.model.addon import Addon
from kedge.ops import attached
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.services import Services

LIMIT = 50


def resolved(
    services: Services, actor: Actor, app_identity: str, options: Mapping[str, object] | None
) -> Mapping[str, object] | None:
    """The same, with `fork` as the URL of the app's database that it names: `DATABASE_URL`."""
    given = (options or {}).get("fork")
    if not options or not isinstance(given, str) or "://" in given:
        return options
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.OPERATE)
        known: dict[str, str] = {}
        for each in attached.attachments(tx, app):
            known |= attached.config_of(services, each)
    return {**options, "fork": known.get(given) or known.get(f"{given}_URL") or given}


def sealed(services: Services, addon: Addon, options: Mapping[str, object] | None) -> bytes | None:
    """The options of an add-on, sealed; None where there are none. Raises InvalidParams."""
    if not options:
        return None
    texts = {str(key)[:100]: value for key, value in options.items()}
    if len(texts) > LIMIT or not all(isinstance(v, str | int | bool) for v in texts.values()):
        raise InvalidParams("The options of an add-on are up to 50 names with texts or numbers.")
    return services.vault.seal(json.dumps(texts).encode(), context(addon.id))


def opened(services: Services, addon: Addon) -> dict[str, Any]:
    """The options of an add-on, as they were given."""
    if not addon.sealed_options:
        return {}
    found: dict[str, Any] = json.loads(services.vault.open(addon.sealed_options, context(addon.id)))
    return found


def context(addon_id: uuid.UUID) -> str:
    """What the options of an add-on are sealed for."""
    return f"options of add-on {addon_id}"
