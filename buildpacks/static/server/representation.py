"""A file as it is sent: type, validators, compression, ranges. No sockets here."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from pathlib import Path

_COMPRESSIBLE = re.compile(
    r"text/|application/(json|javascript|xml|manifest\+json|wasm)|image/svg\+xml|.*\+(json|xml)$"
)
_LEAST_BYTES, _MOST_BYTES = 512, 4 << 20
_HASH = re.compile(r"[.-](?=\w*\d)[0-9a-zA-Z_]{8,}\.\w+$")
_EXTRA_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
    ".avif": "image/avif",
    ".webp": "image/webp",
}


@dataclass(frozen=True, slots=True)
class Representation:
    """What is sent for a file. `body` is set when it is not the file's own bytes (compressed)."""

    file: Path
    size_bytes: int
    modified_at: int
    content_type: str
    etag: str
    encoding: str | None = None
    body: bytes | None = None

    @property
    def last_modified(self) -> str:
        """As the header has it."""
        return formatdate(self.modified_at, usegmt=True)

    @property
    def cache_control(self) -> str:
        """For ever for names that carry a hash of their content, else ask every time."""
        hashed = _HASH.search(self.file.name) is not None
        return (
            "public, max-age=31536000, immutable"
            if hashed
            else "public, max-age=0, must-revalidate"
        )


def represent(file: Path, accepted: str) -> Representation:
    """The file for a client whose Accept-Encoding is `accepted`."""
    status = file.stat()
    facts = (str(file), status.st_size, status.st_mtime_ns)
    kind = content_type(file)
    plain = Representation(file, status.st_size, int(status.st_mtime), kind, f'"{_digest(*facts)}"')
    if not (takes_gzip(accepted) and is_compressible(kind, status.st_size)):
        return plain
    body = _gzipped(*facts)
    etag = f'{plain.etag[:-1]}-gz"'
    return Representation(file, len(body), plain.modified_at, kind, etag, "gzip", body)


def content_type(file: Path) -> str:
    """The media type by the file's ending, with a charset for text."""
    kind = _EXTRA_TYPES.get(file.suffix.lower()) or mimetypes.guess_type(file.name)[0]
    kind = kind or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def is_compressible(kind: str, size_bytes: int) -> bool:
    """Whether compressing is worth it, and small enough to be kept in memory."""
    return _LEAST_BYTES <= size_bytes <= _MOST_BYTES and bool(_COMPRESSIBLE.match(kind))


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header allows gzip."""
    for part in accepted.lower().split(","):
        name, _, rest = part.strip().partition(";")
        if name.strip() in {"gzip", "*"}:
            return not re.fullmatch(r"\s*q=0(\.0*)?\s*", rest)
    return False


def not_modified(sent: Representation, if_none_match: str | None, if_modified: str | None) -> bool:
    """Whether the client's copy is this one. The entity tag decides where one is given (RFC
    9110).
    """
    if if_none_match is not None:
        tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
        return "*" in tags or sent.etag in tags
    return if_modified is not None and _not_after(sent.modified_at, if_modified)


def _not_after(modified_at: int, header: str) -> bool:
    try:
        return modified_at <= int(parsedate_to_datetime(header).timestamp())
    except (ValueError, TypeError, OverflowError):
        return False


def byte_range(header: str | None, if_range: str | None, sent: Representation) -> range | None:
    """The one range asked for; None to send all; an empty one when it lies beyond the end.

    Several ranges in one request are answered with the whole, which RFC 9110 allows.
    """
    if header is None or (if_range is not None and if_range not in {sent.etag, sent.last_modified}):
        return None
    match = re.fullmatch(r"bytes=(\d{0,19})-(\d{0,19})", header.strip())
    if match is None or header.strip() == "bytes=-":
        return None
    size, (first, last) = sent.size_bytes, match.groups()
    if not first:
        return range(max(size - int(last), 0), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, size) if last else size)


@lru_cache(maxsize=4096)
def _digest(path: str, size_bytes: int, modified_ns: int) -> str:
    """Of the content: a slug's files all have the commit's time, so time and size tell nothing."""
    del size_bytes, modified_ns  # part of the cache's key only
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:24]


@lru_cache(maxsize=128)
def _gzipped(path: str, size_bytes: int, modified_ns: int) -> bytes:
    del size_bytes, modified_ns  # part of the cache's key only
    return gzip.compress(Path(path).read_bytes(), compresslevel=6, mtime=0)
