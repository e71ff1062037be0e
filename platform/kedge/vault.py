"""Encryption at rest: AES-GCM with keys that can be rotated.

A sealed value is `key id (8 bytes) | nonce (12 bytes) | ciphertext and tag`. The context (which
row it belongs to) is authenticated, so that a sealed value cannot be moved to another row.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kedge.errors import StartRefused

KEY_BYTES = 32
ID_BYTES = 8
_NONCE = 12


class Sealed(Exception):
    """A sealed value that none of the keys opens."""


def parse_keys(listed: str) -> list[bytes]:
    """Keys as base64, newest first, separated by commas or line ends.

    Raises:
        StartRefused: one of them is not 32 bytes of base64.
    """
    keys = []
    for word in listed.replace(",", "\n").split():
        try:
            key = base64.b64decode(word, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise StartRefused(
                "KEDGE_SECRET_KEY is not a key: it must be 32 bytes in base64.",
                "Make one with: openssl rand -base64 32",
            )
        keys.append(key)
    return keys


class Vault:
    """Seals and opens values. The first key seals, all of them open."""

    def __init__(self, read_keys: Callable[[], str]) -> None:
        self._read_keys = read_keys
        self._keys: dict[bytes, bytes] = {}
        self._newest = b""
        self.reload()

    def reload(self) -> None:
        """Read the keys again, after a rotation by another process."""
        keys = parse_keys(self._read_keys())
        self._keys = {_key_id(key): key for key in keys}
        self._newest = _key_id(keys[0])

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt with the newest key, bound to the context."""
        nonce = os.urandom(_NONCE)
        cipher = AESGCM(self._keys[self._newest])
        return self._newest + nonce + cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt.

        Raises:
            Sealed: no key opens it, or it was sealed for another context.
        """
        key_id, nonce = sealed[:ID_BYTES], sealed[ID_BYTES : ID_BYTES + _NONCE]
        if key_id not in self._keys:
            self.reload()
        key = self._keys.get(key_id)
        if key is None:
            raise Sealed("sealed with a key this installation does not have")
        try:
            return AESGCM(key).decrypt(nonce, sealed[ID_BYTES + _NONCE :], context.encode())
        except InvalidTag:
            raise Sealed("altered, or sealed for something else") from None

    @property
    def newest_id(self) -> bytes:
        """What a value sealed with the newest key begins with."""
        return self._newest


def new_key() -> str:
    """A fresh key, as base64."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def keyed_digest(key: bytes, payload: bytes) -> str:
    """A digest that tells nothing without the key (HMAC-SHA256, hex)."""
    return hmac.new(key, payload, hashlib.sha256).hexdigest()


def keys_from(secret_key: str, key_file: Path) -> Callable[[], str]:
    """Where a vault reads its keys: the setting when there is one, else the home's key file."""
    return lambda: secret_key or key_file.read_text()


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"kedge key id" + key).digest()[:ID_BYTES]
