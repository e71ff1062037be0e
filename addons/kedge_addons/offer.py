"""What is offered: a service with its plans, and its manifest in Heroku's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kedge_addons.errors import Refused
from kedge_addons.keys import Keys

# The platform asks this host over the socket of the installation.
HOST = "addons.kedge.internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One plan. `limits` are the numbers that are enforced; `attributes` is what people read."""

    name: str
    human_name: str
    description: str
    limits: Mapping[str, int]
    attributes: Mapping[str, str]
    is_default: bool = False

    def shown(self) -> dict[str, Any]:
        """The plan as a manifest has it. Nothing here costs money."""
        return {
            "name": self.name,
            "human_name": self.human_name,
            "description": self.description,
            "price": {"cents": 0, "unit": "month"},
            "default": self.is_default,
            "attributes": dict(self.attributes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One service.

    Args:
        name: its id, as in `kedge addons:create heroku-postgresql`.
        prefix: what its config vars begin with: `HEROKU_POSTGRESQL`.
        primary: what the first attachment is called: `DATABASE`.
        capabilities: what it has beyond the partner API; `restore` is that destroyed ones rest.
        hooks: `module:Class` of its hooks, loaded where they are needed.
    """

    name: str
    human_name: str
    description: str
    icon: str
    config_vars: Sequence[str]
    prefix: str
    primary: str
    plans: Sequence[Plan]
    hooks: str
    docs_url: str | None = None
    capabilities: Sequence[str] = field(default=("restore",))
    has_page: bool = True

    def plan(self, name: object) -> Plan:
        """The plan of that name. Raises Refused."""
        for each in self.plans:
            if each.name == name:
                return each
        raise Refused(f"{self.human_name} has no plan {str(name)[:60]!r}.")

    def manifest(self, keys: Keys, platform_url: str) -> dict[str, Any]:
        """The manifest the platform registers it by; it holds secrets."""
        sso_url = f"{platform_url}/provider/{self.name}/sso/login" if self.has_page else None
        return {
            "id": self.name,
            "name": self.human_name,
            "description": self.description,
            "docs_url": self.docs_url,
            "icon": self.icon,
            "primary": self.primary,
            "capabilities": list(self.capabilities),
            "api": {
                "version": "3",
                "password": keys.password(self.name),
                "sso_salt": keys.sso_salt(self.name),
                "config_vars": list(self.config_vars),
                "config_vars_prefix": self.prefix,
                "regions": ["*"],
                "requires": [],
                "production": {
                    "base_url": f"http://{HOST}/{self.name}/heroku/resources",
                    "sso_url": sso_url,
                },
            },
            "plans": [plan.shown() for plan in self.plans],
        }
