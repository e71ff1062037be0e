"""An app: a name, an owner, and the head of its releases."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kedge.errors import InvalidParams
from kedge.model.account import Account
from kedge.model.tables import Changed, Id, Moment, Row

# Heroku's rule, https://devcenter.heroku.com/articles/platform-api-reference#app
NAME = re.compile(r"[a-z][a-z0-9-]{1,28}[a-z0-9]")
RESERVED_NAMES = frozenset(
    {"localhost", "api", "git", "registry", "www", "dashboard", "admin", "status"}
    | {"id", "data", "mail", "kedge", "heroku"}
)
DEFAULT_STACK = "kedge-13"


def check_name(name: object) -> str:
    """The name, when an app may be called so.

    Raises:
        InvalidParams: the name breaks Heroku's rule or is reserved.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidParams(
            "Name must start with a letter, end with a letter or digit and can only contain "
            "lowercase letters, numbers, and dashes; 3 to 30 characters."
        )
    if name in RESERVED_NAMES:
        raise InvalidParams(f"Name {name} is reserved for the platform. Choose another one.")
    return name


class App(Row):
    """An app.

    `last_version` counts releases without gaps and is raised under the row's lock;
    `head_version` is the newest release that went live; `route_version` fences the router.
    """

    __tablename__ = "apps"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(30), unique=True)
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("accounts.id"), index=True)
    stack: Mapped[str] = mapped_column(String(60), default=DEFAULT_STACK)
    maintenance: Mapped[bool] = mapped_column(default=False)
    buildpacks: Mapped[list[Any]] = mapped_column(default=list)
    buildpack_description: Mapped[str | None] = mapped_column(String(200))
    last_version: Mapped[int] = mapped_column(default=0)
    head_version: Mapped[int | None]
    route_version: Mapped[int] = mapped_column(default=0)
    repo_bytes: Mapped[int | None]
    slug_bytes: Mapped[int | None]
    released_at: Mapped[datetime | None]
    deleting_at: Mapped[datetime | None]
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]

    owner: Mapped[Account] = relationship(lazy="joined")
