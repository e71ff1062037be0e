"""The site's settings, as the build left them in settings.json (the keys are static.json's)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a path leads to."""

    url: str
    status: int


@dataclass(frozen=True, slots=True)
class Settings:
    """A site. `routes` and `headers` are by glob: `*` within a segment, `**` over segments."""

    root: Path
    clean_urls: bool = False
    https_only: bool = False
    error_page: str = "404.html"
    routes: tuple[tuple[re.Pattern[str], str], ...] = ()
    redirects: Mapping[str, Redirect] = field(default_factory=dict)
    headers: tuple[tuple[re.Pattern[str], Mapping[str, str]], ...] = ()


def glob(pattern: str) -> re.Pattern[str]:
    """A glob over URL paths as an expression."""
    pieces = re.split(r"(\*\*|\*)", pattern)
    wild = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(wild.get(piece, re.escape(piece)) for piece in pieces), re.DOTALL)


def read(file: Path, app: Path) -> Settings:
    """The settings in `file` of the site below `app`."""
    fields = json.loads(file.read_text())
    redirects = fields.get("redirects", {}).items()
    return Settings(
        root=(app / fields["root"]).resolve(),
        clean_urls=bool(fields.get("clean_urls")),
        https_only=bool(fields.get("https_only")),
        error_page=str(fields.get("error_page", "404.html")),
        routes=tuple((glob(path), str(file)) for path, file in fields.get("routes", {}).items()),
        redirects={path: Redirect(to["url"], int(to.get("status", 301))) for path, to in redirects},
        headers=tuple((glob(path), added) for path, added in fields.get("headers", {}).items()),
    )
