"""Backups in a bucket of whoever speaks S3."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from kedge_addons.postgres.backups.rclone import Rclone
from kedge_addons.postgres.backups.store import SUFFIX, StoreFailed

# 10,000 parts are the most S3 takes: with these an upload may have 320 GB.
UPLOAD = ("--low-level-retries", "3", "--s3-chunk-size", "32M", "--s3-upload-concurrency", "2",
          "--streaming-upload-cutoff", "1M")  # fmt: skip
DOWNLOAD = ("--low-level-retries", "3")
ONCE = ("--low-level-retries", "1")  # it is asked again anyhow


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket and how it is reached; `prefix` is a folder in it, or nothing."""

    endpoint: str
    bucket: str
    prefix: str = ""
    region: str = "us-east-1"
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


class S3Store:
    """Keeps files in a bucket."""

    name = "s3"

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def write(self, key: str, pieces: Iterable[bytes]) -> int:
        """Uploaded in parts; it is there when the last one is."""
        with self._rclone("rcat", key, *UPLOAD, reads=True) as upload:
            sent = upload.give(pieces)
        upload.check()
        return sent

    def read(self, key: str) -> Iterator[bytes]:
        """Downloaded as it is read."""
        is_empty = True
        with self._rclone("cat", key, *DOWNLOAD) as download:
            for piece in download.output():
                is_empty = False
                yield piece
        download.check()
        if is_empty:  # it takes what is not there for an empty folder
            raise StoreFailed("It is not in the bucket.")

    def size(self, key: str) -> int | None:
        """By the bucket's own list."""
        with self._rclone("lsjson", key, "--stat", *ONCE) as listing:
            written = b"".join(listing.output())
        if listing.found_nothing:
            return None
        listing.check()
        found = json.loads(written or b"null")
        return int(found["Size"]) if found and not found["IsDir"] else None

    def remove(self, key: str) -> None:
        """One that is not there is fine."""
        with self._rclone("deletefile", key, *ONCE) as removal:
            pass
        if not removal.found_nothing:
            removal.check()

    def _rclone(self, verb: str, key: str, *options: str, reads: bool = False) -> Rclone:
        parts = [part for part in (self._bucket.bucket, self._bucket.prefix, key) if part]
        place = f"kedge:{'/'.join(parts)}{SUFFIX}"
        return Rclone(verb, place, *options, env=self._environment(), reads=reads)

    def _environment(self) -> dict[str, str]:
        bucket = self._bucket
        told = {
            "TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": bucket.endpoint,
            "ACCESS_KEY_ID": bucket.access_key, "SECRET_ACCESS_KEY": bucket.secret_key,
            "REGION": bucket.region, "FORCE_PATH_STYLE": "true", "NO_CHECK_BUCKET": "true",
        }  # fmt: skip
        return {f"RCLONE_CONFIG_KEDGE_{name}": value for name, value in told.items()}


def bucket_of(url: str) -> Bucket:
    """What `s3://KEY:SECRET@HOST[:PORT]/BUCKET[/FOLDER][?region=…&tls=no]` says.

    Raises:
        ValueError: it is no such URL. The words hold nothing of it.
    """
    parts = urlsplit(url)
    bucket, _, prefix = parts.path.strip("/").partition("/")
    if parts.scheme != "s3" or not parts.hostname or not bucket or not parts.password:
        raise ValueError("KEDGE_BACKUPS_URL must be s3://KEY:SECRET@HOST/BUCKET.")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    scheme = "http" if options.get("tls") == "no" else "https"
    port = f":{parts.port}" if parts.port else ""
    return Bucket(
        endpoint=f"{scheme}://{parts.hostname}{port}",
        bucket=bucket,
        prefix=prefix,
        region=options.get("region", "us-east-1"),
        access_key=unquote(parts.username or ""),
        secret_key=unquote(parts.password),
    )
