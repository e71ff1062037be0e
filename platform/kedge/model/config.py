"""Config vars: what may be one, and the snapshots releases hold.

A snapshot is content-addressed per app and encrypted at rest; releases with the same config vars
share one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from sqlalchemy import LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kedge.errors import InvalidParams
from kedge.model.tables import AppId, Id, Moment, Row

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KEY_LIMIT = 256
TOTAL_LIMIT_BYTES = 64 * 1024
# What every dyno is told by the platform; an app's own config vars of these names do not reach it.
OVERRULED_KEYS = frozenset({"PORT", "DYNO"})

Config = dict[str, str]


class ConfigSnapshot(Row):
    """All config vars of an app at one moment, encrypted; the digest is keyed, it tells nothing."""

    __tablename__ = "config_snapshots"
    __table_args__ = (UniqueConstraint("app_id", "digest"),)

    id: Mapped[Id]
    app_id: Mapped[AppId]
    digest: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]


def check_key(key: str) -> str:
    """The key, when a config var may be called so. Raises InvalidParams."""
    if not KEY.fullmatch(key) or len(key) > KEY_LIMIT:
        shown = key[:40].encode("ascii", "backslashreplace").decode()
        raise InvalidParams(
            f"Config var names are letters, digits and _, not starting with a digit, "
            f"up to {KEY_LIMIT} characters: {shown!r} is not one."
        )
    return key


def check_value(key: str, value: object) -> str:
    """The value as text. Raises InvalidParams: not text, a NUL, or not encodable as UTF-8."""
    if isinstance(value, bool | int | float):
        value = json.dumps(value)
    if not isinstance(value, str):
        raise InvalidParams(f"The value of {key} must be text, or null to remove it.")
    if "\0" in value:
        raise InvalidParams(f"The value of {key} holds a NUL character, which no process can take.")
    try:
        value.encode()
    except UnicodeEncodeError:
        words = f"The value of {key} is not valid Unicode (a lone surrogate)."
        raise InvalidParams(words) from None
    return value


def change(config: Mapping[str, str], changes: Mapping[str, object]) -> Config:
    """The config after changes (None removes a key).

    Raises:
        InvalidParams: a key or value may not be, or all together are over 64 KB.
    """
    after = dict(config)
    for key, value in changes.items():
        check_key(key)
        if value is None:
            after.pop(key, None)
        else:
            after[key] = check_value(key, value)
    size = sum(len(key.encode()) + len(value.encode()) for key, value in after.items())
    if size > TOTAL_LIMIT_BYTES:
        raise InvalidParams(
            f"All config vars together may take {TOTAL_LIMIT_BYTES // 1024} KB; these take "
            f"{size / 1024:.1f} KB. Keep large values in a file or a store."
        )
    return after


def describe_change(before: Mapping[str, str], after: Mapping[str, str]) -> str | None:
    """Heroku's words for the release: `Set A, B config vars`; None when nothing changed."""
    was_set = [key for key in after if before.get(key) != after[key]]
    removed = [key for key in before if key not in after]
    parts = []
    if was_set:
        parts.append(f"Set {', '.join(was_set)} config vars")
    if removed:
        parts.append(f"Remove {', '.join(removed)} config vars")
    return " and ".join(parts) or None


def canonical(config: Mapping[str, str]) -> bytes:
    """The bytes a snapshot is made of: JSON with sorted keys."""
    return json.dumps(config, sort_keys=True, separators=(",", ":")).encode()
