"""Slugs made elsewhere: announced, uploaded to an address, downloaded, and released."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, Literal

from kedge.db import Transaction
from kedge.engine import slug_archive, slug_upload
from kedge.errors import Conflict, Forbidden, InvalidParams, NotFound
from kedge.model.release import Change, Release
from kedge.model.slug import Slug
from kedge.ops import formations, releases
from kedge.ops.apps import check_stack
from kedge.ops.authorize import Action, Actor, find_app, record
from kedge.ops.dynos import COMMAND_LIMIT_BYTES, TYPE
from kedge.ops.services import Services
from kedge.ops.slugs import fill
from kedge.vault import Sealed

CHECKSUM = re.compile(r"(?i:sha256):([0-9a-fA-F]{64})")
# For as long may one begin to send or fetch a slug at the address that was given out.
ADDRESS_LIFE = timedelta(hours=1)
ADDRESS_CONTEXT = "address of a slug's archive"

Verb = Literal["get", "put"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A slug somebody is to upload."""

    process_types: Mapping[str, object]
    checksum: str | None = None
    commit: str | None = None
    commit_description: str | None = None
    description: str | None = None
    stack: str | None = None


def announce(services: Services, actor: Actor, app_identity: str, wanted: Announced) -> Slug:
    """A slug with nothing in it yet; its archive is uploaded to its address for "put".

    Raises:
        InvalidParams: process types, checksum or stack may not be.
    """
    process_types = _checked(wanted.process_types)
    if wanted.checksum and not CHECKSUM.fullmatch(wanted.checksum):
        raise InvalidParams("checksum must be SHA256: and 64 hex digits.")
    check_stack(wanted.stack)
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.DEPLOY)
        slug = Slug(
            id=uuid.uuid4(),
            app_id=app.id,
            digest="",
            layers=[],
            process_types=process_types,
            checksum=wanted.checksum,
            commit=wanted.commit,
            commit_description=wanted.commit_description,
            description=wanted.description,
            stack=wanted.stack or app.stack,
            stored_bytes=0,
        )
        tx.add(slug)
        record(tx, actor, "slug.create", app, slug=str(slug.id))
        tx.flush()
        tx.refresh(slug)
        return slug


def address(services: Services, slug_id: uuid.UUID, verb: Verb) -> str:
    """A word that lets whoever knows it upload ("put") or download ("get") the slug for an hour."""
    expires_at = services.now() + ADDRESS_LIFE
    words = f"{verb} {slug_id} {expires_at.timestamp():.0f}"
    return services.vault.seal(words.encode(), ADDRESS_CONTEXT).hex()


def upload(services: Services, word: str, stream: BinaryIO, declared_bytes: int | None) -> int:
    """Keep what a stream brings as the slug at an address, once; its stored size in bytes.

    Raises:
        NotFound: no such address, or its slug went with its app.
        Forbidden: the address has expired.
        Conflict: it was uploaded already.
        TooLarge, VerificationFailed, InvalidParams, Unavailable: as `slug_upload.taken`.
    """
    slug = _at(services, word, "put")
    if slug.is_there:
        raise Conflict(_TWICE, resource="slug")
    settings = services.settings
    slug_upload.check_size(declared_bytes, settings.slug_limit_mb)
    match = CHECKSUM.fullmatch(slug.checksum or "")
    image, sha256 = slug_upload.taken(
        stream, services.slugs, settings.home, settings.slug_limit_mb, match[1] if match else None
    )
    with services.database.transaction() as tx:
        row = tx.get(Slug, slug.id, with_for_update={"of": Slug})
        if row is None:
            raise NotFound.of("slug", "The app was destroyed meanwhile.")
        if row.is_there:
            raise Conflict(_TWICE, resource="slug")
        fill(row, image)
        row.checksum = row.checksum or f"SHA256:{sha256}"
        return row.stored_bytes


def download(services: Services, word: str) -> Iterator[bytes]:
    """The slug at an address as a tar.gz with the app in ./app.

    Raises:
        NotFound: no such address, or nothing was uploaded yet.
        Forbidden: the address has expired.
    """
    slug = _at(services, word, "get")
    if not slug.is_there:
        raise NotFound.of("slug", "Nothing was uploaded for that slug yet.")
    return slug_archive.packed(services.slugs, slug.image)


def deploy(
    services: Services,
    actor: Actor,
    app_identity: str,
    slug_id: uuid.UUID,
    description: str | None = None,
) -> Release:
    """A new release with a slug of the app, and the config of today.

    Raises:
        InvalidParams: the app has no such slug, or nothing was uploaded for it yet.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.DEPLOY, lock=True)
        slug = _of_app(tx, app.id, slug_id)
        formations.declare(tx, app, slug.process_types)
        words = description or f"Deploy {(slug.commit or slug.digest)[:8]}"
        release = releases.append(
            services, tx, actor, app, Change.DEPLOY, words,
            config=releases.newest(tx, app).config, slug=slug,
        )  # fmt: skip
        app.slug_bytes, app.buildpack_description = slug.stored_bytes, slug.description
        record(tx, actor, "release.create", app, version=release.version, slug=str(slug.id))
        return release


def _of_app(tx: Transaction, app_id: uuid.UUID, slug_id: uuid.UUID) -> Slug:
    slug = tx.get(Slug, slug_id)
    if slug is None or slug.app_id != app_id:
        raise InvalidParams("Couldn't find that slug among the app's.", resource="slug")
    if not slug.is_there:
        raise InvalidParams(
            "Nothing was uploaded for that slug yet: PUT its tar.gz to blob.url first.",
            resource="slug",
        )
    return slug


def _checked(process_types: Mapping[str, object]) -> dict[str, str]:
    checked: dict[str, str] = {}
    for type_, command in process_types.items():
        if not TYPE.fullmatch(type_):
            raise InvalidParams("A process type is letters, digits, - and _, up to 64.")
        if not isinstance(command, str) or not command.strip():
            raise InvalidParams(f"process_types: {type_} needs a command, as text.")
        if len(command.encode()) > COMMAND_LIMIT_BYTES:
            raise InvalidParams(f"process_types: {type_}'s command is too long.")
        checked[type_] = command
    return checked


def _at(services: Services, word: str, verb: Verb) -> Slug:
    """The slug at an address that was given out for this."""
    try:
        sealed = services.vault.open(bytes.fromhex(word), ADDRESS_CONTEXT)
    except (ValueError, Sealed):
        raise NotFound.of("slug") from None
    allowed, slug_id, expires_at = sealed.decode().split()
    if allowed != verb:
        raise NotFound.of("slug")
    if services.now() > datetime.fromtimestamp(float(expires_at), UTC):
        raise Forbidden("This address has expired. Ask the API for the slug again.")
    with services.database.transaction() as tx:
        slug = tx.get(Slug, uuid.UUID(slug_id))
    if slug is None:
        raise NotFound.of("slug")
    return slug


_TWICE = "That slug was uploaded already, and slugs do not change. Create another."
