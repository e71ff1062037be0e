"""Packages from an npm registry: which versions there are; one of them, checked and unpacked."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _lib.refusal import Refused
from _lib.version_range import Version, parse_version, show

DEFAULT_REGISTRY = "https://registry.npmjs.org"
_ABBREVIATED = "application/vnd.npm.install-v1+json"
_FRESH_SECONDS = 600
_CHUNK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry, and the folder its package lists are remembered in between builds."""

    url: str
    memory: Path

    def versions(self, package: str) -> dict[Version, dict[str, Any]]:
        """All release versions of a package with their manifests.

        A list fetched in the last ten minutes is used again; an older one when the registry is
        away.

        Raises:
            Refused: the registry does not answer and nothing is remembered.
        """
        listing = self._listing(package)
        manifests = ((parse_version(text), manifest) for text, manifest in listing.items())
        return {version: manifest for version, manifest in manifests if version}

    def _listing(self, package: str) -> dict[str, Any]:
        remembered = self.memory / f"{package.replace('/', '__')}.json"
        if remembered.exists() and time.time() - remembered.stat().st_mtime < _FRESH_SECONDS:
            return dict(json.loads(remembered.read_text()))
        try:
            listing = self._fetch_listing(package)
        except OSError as error:
            if remembered.exists():
                return dict(json.loads(remembered.read_text()))
            raise _unreachable(self.url, package, error) from error
        self.memory.mkdir(parents=True, exist_ok=True)
        remembered.write_text(json.dumps(listing))
        return listing

    def _fetch_listing(self, package: str) -> dict[str, Any]:
        url = f"{self.url.rstrip('/')}/{urllib.parse.quote(package, safe='@')}"
        with _open(url, {"Accept": _ABBREVIATED}) as response:
            versions = json.load(response)["versions"]
        wanted = ("dist", "engines")
        return {
            text: {name: manifest[name] for name in wanted if name in manifest}
            for text, manifest in versions.items()
        }

    def unpack(self, package: str, version: Version, target: Path, *, leave_out: str = "") -> None:
        """Fetch a version, check its digest and unpack it to `target`, which must not exist.

        Raises:
            Refused: it cannot be fetched, or is not what the registry promised.
        """
        dist = self.versions(package)[version]["dist"]
        archive = Path(os.environ["TMPDIR"]) / "package.tgz"
        try:
            digest = _download(dist["tarball"], archive, _algorithm(dist))
        except OSError as error:
            raise _unreachable(self.url, f"{package} {show(version)}", error) from error
        _check(package, version, dist, digest)
        target.mkdir(parents=True)
        excluded = [f"--exclude={leave_out}"] if leave_out else []
        tar = ["tar", "-xzf", str(archive), "-C", str(target), "--strip-components=1", "-m"]
        subprocess.run([*tar, "--no-same-owner", *excluded], check=True)
        archive.unlink()


def _open(url: str, headers: dict[str, str]) -> Any:
    if not url.startswith(("https://", "http://")):
        raise Refused(f"The npm registry's address is neither https:// nor http://: {url}")
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  (checked above)
    return urllib.request.urlopen(request, timeout=60)  # noqa: S310  (checked above)


def _algorithm(dist: dict[str, Any]) -> str:
    return str(dist["integrity"]).split("-", 1)[0] if "integrity" in dist else "sha1"


def _download(url: str, target: Path, algorithm: str) -> bytes:
    """Fetch a file with two more tries; its digest."""
    for attempt in range(3):
        try:
            with _open(url, {}) as response, target.open("wb") as file:
                digest = hashlib.new(algorithm)
                while chunk := response.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    file.write(chunk)
                return digest.digest()
        except urllib.error.HTTPError:
            raise
        except OSError:
            if attempt == 2:
                raise
            time.sleep(1 + attempt)
    raise AssertionError("unreachable")


def _check(package: str, version: Version, dist: dict[str, Any], digest: bytes) -> None:
    if "integrity" in dist:
        expected = str(dist["integrity"]).split()[0].split("-", 1)[1].split("?")[0]
        same = base64.b64encode(digest).decode() == expected
    else:
        same = digest.hex() == dist["shasum"]
    if not same:
        raise Refused(
            f"The download of {package} {show(version)} is damaged: the registry's digest differs.",
            "Push again; if it stays so, the registry or a proxy on the way changes files.",
        )


def _unreachable(url: str, what: str, error: OSError) -> Refused:
    return Refused(
        f"{what} could not be fetched from the npm registry {url}: {error}",
        "Push again in a while. Another registry can be named: kedge config:set "
        "NPM_CONFIG_REGISTRY=https://…",
    )
