"""Builds by the API: an archive uploaded, built, and its output read."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from typing import Any

import httpx

from system.installation import App, wait_until


def packed(files: Mapping[str, str], *odd: tarfile.TarInfo) -> bytes:
    """A tar.gz of files, and of further members as they are."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
        for member in odd:
            tar.addfile(member)
    return made.getvalue()


def upload(app: App, archive: bytes) -> str:
    """Put an archive as a client does; the address a build names it by."""
    blob = app.platform.api("POST", "/sources", {}).json()["source_blob"]
    assert httpx.put(blob["put_url"], content=archive, timeout=60).status_code == 200
    return str(blob["get_url"])


def build(app: App, archive: bytes, **blob: Any) -> dict[str, Any]:
    """Begin to build an archive, with its checksum unless another is given."""
    checksum = f"SHA256:{hashlib.sha256(archive).hexdigest()}"
    source = {"url": upload(app, archive), "checksum": checksum, "version": "1a2b3c4d5e", **blob}
    return app.api("POST", "/builds", {"source_blob": source})


def output_of(begun: Mapping[str, Any]) -> str:
    """What a build prints, read to its end."""
    return httpx.get(begun["output_stream_url"], timeout=120).text


def ended(app: App, begun: Mapping[str, Any], seconds: float = 90) -> dict[str, Any]:
    """The build, when it is no longer pending."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = app.api("GET", f"/builds/{begun['id']}")
        return found if found["status"] != "pending" else None

    done: dict[str, Any] = wait_until(look, seconds, "the build's end")
    return done


def hooked(script: str, files: Mapping[str, str]) -> dict[str, str]:
    """An app that runs a script in its build."""
    return {**files, "requirements.txt": "", "bin/pre_compile": script}
