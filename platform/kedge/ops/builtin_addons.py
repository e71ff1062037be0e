"""What only the platform's own providers can be asked, beyond the partner API."""

from __future__ import annotations

from collections.abc import Mapping

from kedge.model.addon import Addon
from kedge.ops.addon_services import provider_of
from kedge.ops.services import Services


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
