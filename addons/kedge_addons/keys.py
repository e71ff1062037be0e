"""Secrets of the providers, all from one key: passwords of services, sealed text, cookies.

The key is `addons.key` in the home (32 bytes, base64), which the installation makes once. What is
derived from it is not written down anywhere.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KEY_BYTES = 32
NONCE_BYTES = 12  # what AES-GCM takes


class Keys:
    """What follows from the key of one installation."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("The key of the add-on providers must have 32 bytes.")
        self._key = key

    def password(self, service: str) -> str:
        """What the platform shows when it asks, and what grants are exchanged with."""
        return self._derived(f"password of {service}").hex()

    def sso_salt(self, service: str) -> str:
        """What people's sign-in tokens are made with."""
        return self._derived(f"sso salt of {service}").hex()

    def session_key(self) -> bytes:
        """What cookies are signed with."""
        return self._derived("sessions")

    def seal(self, plain: Mapping[str, Any], context: str) -> bytes:
        """A mapping encrypted and bound to its context (whose it is)."""
        nonce = os.urandom(NONCE_BYTES)
        written = json.dumps(plain).encode()
        return nonce + bytes(self._cipher().encrypt(nonce, written, context.encode()))

    def open(self, sealed: bytes | None, context: str) -> dict[str, Any]:
        """The mapping again; {} of nothing. Raises InvalidTag when it is another's."""
        if sealed is None:
            return {}
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        found: dict[str, Any] = json.loads(self._cipher().decrypt(nonce, rest, context.encode()))
        return found

    def _cipher(self) -> Any:
        # A large library, which printing manifests does not need.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        return AESGCM(self._derived("sealed"))

    def _derived(self, purpose: str) -> bytes:
        return hmac.digest(self._key, purpose.encode(), "sha256")


def load(home: Path) -> Keys:
    """The keys of an installation. Raises OSError: its home has none."""
    return Keys(base64.b64decode((home / "addons.key").read_text()))


def new_password() -> str:
    """A password nobody guesses: 192 bits, of letters and digits that any URL takes."""
    return secrets.token_hex(24)
