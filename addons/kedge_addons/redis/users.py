"""Users of a Redis server as its access list has them: one for apps, one for the provider.

A rotation makes another user for apps, so that both work for a moment; removing the old one ends
its connections. The list holds digests of passwords
(https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from kedge_addons.keys import new_password

ADMIN = "kedge"
# Everything but the server's own administration; of that, what clients and their tools ask.
APP_RULES = (
    "~* &* +@all -@admin -migrate +client|list +client|kill +config|get +slowlog|get +slowlog|len"
)


def new_user() -> dict[str, str]:
    """A user for apps."""
    return {"user": f"u{secrets.token_hex(7)}", "password": new_password()}


def rules(password: str) -> str:
    """What `ACL SETUSER <name>` is told of a user of apps."""
    return f"reset on #{_digest(password)} {APP_RULES}"


def acl_file(secret: Mapping[str, Any]) -> str:
    """All users there are, those that end soon among them."""
    apps = {secret["user"]: secret["password"], **secret.get("ending", {})}
    lines = [f"user {name} {rules(password)}" for name, password in sorted(apps.items())]
    admin = f"user {ADMIN} reset on #{_digest(secret['admin'])} ~* &* +@all"
    return "\n".join(["user default off", admin, *lines, ""])


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
