"""Which file answers a URL path."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from settings import Settings

# Of an app whose root is its own folder, what is not the site's.
_PRIVATE = frozenset({"Procfile", "static.json", "app.json"})


@dataclass(frozen=True, slots=True)
class Found:
    """The file to send, with its status; `folder` says the path lacks its last slash."""

    file: Path | None
    status: int = 200
    folder: bool = False


def decode(path: str) -> str | None:
    """A URL's path as text, without query; None when no file can be meant."""
    text = urllib.parse.unquote(path.split("?", 1)[0].split("#", 1)[0], errors="replace")
    segments = text.split("/")
    if "\0" in text or not text.startswith("/") or ".." in segments:
        return None
    hidden = [
        part for part in segments if part.startswith(".") and part not in {".", ".well-known"}
    ]
    return None if hidden else text


def resolve(site: Settings, path: str) -> Found:
    """The file for a decoded path: itself, a folder's index.html, with `.html` added, a route's."""
    if path.lstrip("/") in _PRIVATE:
        return lost(site)
    file = _inside(site, path)
    if file and file.is_dir():
        index = _inside(site, f"{path}/index.html")
        if index and index.is_file():
            return Found(index, folder=not path.endswith("/"))
    elif file and file.is_file() and not path.endswith("/"):
        return Found(file)
    if site.clean_urls:
        page = _inside(site, f"{path.rstrip('/')}.html")
        if page and page.is_file():
            return Found(page)
    for pattern, name in site.routes:
        page = _inside(site, name) if pattern.fullmatch(path) else None
        if page and page.is_file():
            return Found(page)
    return lost(site)


def lost(site: Settings) -> Found:
    """The site's page for what is not there, or none."""
    page = _inside(site, site.error_page)
    return Found(page if page and page.is_file() else None, status=404)


def _inside(site: Settings, path: str) -> Path | None:
    """What is below the root at this path, links followed; None for nothing, or outside of it."""
    try:
        file = (site.root / path.lstrip("/")).resolve()
        file.stat()
    except (OSError, RuntimeError):
        return None  # not there, a name too long for a file, or a circle of links
    return file if file.is_relative_to(site.root) else None
