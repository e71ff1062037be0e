"""A domain: a host name that leads to an app."""

from __future__ import annotations

import re

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kedge.errors import InvalidParams
from kedge.model.app import App
from kedge.model.tables import AppId, Changed, Id, Moment, Row

LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
HOSTNAME_LIMIT = 253


def check_hostname(hostname: object) -> str:
    """The host name in lower case, when a domain may be called so; `*.` may lead.

    Raises:
        InvalidParams: not a host name.
    """
    name = hostname.strip().rstrip(".").lower() if isinstance(hostname, str) else ""
    try:
        name = name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        name = ""
    labels = name.removeprefix("*.").split(".")
    # A last label of digits is an IP address, or nothing DNS could ever lead here.
    is_name = len(labels) >= 2 and not labels[-1].isdecimal() and len(name) <= HOSTNAME_LIMIT
    if not is_name or not all(LABEL.fullmatch(label) for label in labels):
        raise InvalidParams(
            "A domain is a host name such as www.example.com or *.example.com, "
            "without http:// or a path."
        )
    return name


class Domain(Row):
    """A host name of an app: its own under the platform's domain (`heroku`), or a `custom` one."""

    __tablename__ = "domains"

    id: Mapped[Id]
    app_id: Mapped[AppId]
    hostname: Mapped[str] = mapped_column(String(HOSTNAME_LIMIT), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[Moment]
    updated_at: Mapped[Changed]

    app: Mapped[App] = relationship(lazy="immediate")
