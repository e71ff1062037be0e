"""Add-on providers, as the Add-on Partner API v3 has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider is asked, and what it knows us by."""

    name: str
    base_url: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """What a provider answered. `is_pending`: it goes on, and calls back when it is done."""

    provider_id: str
    config: Mapping[str, Any] | None = field(default=None, repr=False)
    message: str | None = None
    log_drain_url: str | None = None
    is_pending: bool = False


class Partner(Protocol):
    """Asks providers. Every call may be repeated: providers know resources by their uuid.

    Raises:
        ProviderRefused: it says no, in words for whoever asked.
        ProviderAway: it does not answer, or nothing one can understand; asking again may help.
    """

    def provision(self, provider: Provider, body: Mapping[str, Any]) -> Provisioned:
        """Have a resource made."""

    def change_plan(self, provider: Provider, provider_id: str, plan: str) -> Provisioned:
        """Move a resource to another plan."""

    def deprovision(self, provider: Provider, provider_id: str) -> None:
        """Have a resource removed; one that is gone already is fine."""

    def restore(self, provider: Provider, provider_id: str) -> Provisioned:
        """Bring back a resource that was removed, with what was in it: an extension of ours.

        `POST base_url/:id/actions/restore`, answered as a provision request is.
        """

    def ask(
        self, provider: Provider, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        """A further call of a provider that has more than the partner API, below its address."""
