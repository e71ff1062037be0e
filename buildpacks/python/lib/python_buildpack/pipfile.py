"""Pipfile.lock as requirements that uv installs; its form is Pipenv's (JSON)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from _lib.refusal import Refused


def requirements(file: Path) -> str:
    """The lock file's default packages as a requirements file: indexes first, hashes with each
    line.

    Raises:
        Refused: the file is not what Pipenv writes.
    """
    try:
        lock = json.loads(file.read_text())
        sources = [source["url"] for source in lock["_meta"].get("sources", [])]
        packages = [_line(name, entry) for name, entry in sorted(lock["default"].items())]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(
            "Pipfile.lock cannot be read.", "Run `pipenv lock`, commit Pipfile.lock and push again."
        ) from error
    return "\n".join([*_indexes(sources), *packages]) + "\n"


def _indexes(urls: list[str]) -> list[str]:
    """The first is the index, the others are extra ones; PyPI alone needs no line (and so lets a
    PIP_INDEX_URL of the app stand).
    """
    if [url.rstrip("/") for url in urls] in ([], ["https://pypi.org/simple"]):
        return []
    return [f"--index-url {urls[0]}", *(f"--extra-index-url {url}" for url in urls[1:])]


def _line(name: str, entry: dict[str, Any]) -> str:
    marker = f" ; {entry['markers']}" if entry.get("markers") else ""
    extras = f"[{','.join(entry['extras'])}]" if entry.get("extras") else ""
    for kind in ("git", "hg", "svn", "bzr"):
        if kind in entry:
            subdirectory = (
                f"#subdirectory={entry['subdirectory']}" if "subdirectory" in entry else ""
            )
            return f"{name}{extras} @ {kind}+{entry[kind]}@{entry['ref']}{subdirectory}{marker}"
    if "path" in entry:
        return f"-e {entry['path']}" if entry.get("editable") else f"{entry['path']}{extras}"
    if "file" in entry:
        return f"{name}{extras} @ {entry['file']}{marker}"
    hashes = "".join(f" --hash={digest}" for digest in entry.get("hashes", []))
    return f"{name}{extras}{entry['version']}{marker}{hashes}"
