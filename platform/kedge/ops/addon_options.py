"""The options somebody gave for an add-on, which its provider is told and nobody else."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from kedge.errors import InvalidParams
from kedge.model.addon import Addon
from kedge.ops.services import Services

LIMIT = 50


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
