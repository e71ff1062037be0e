"""bin/compile from end to end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from _lib import screen
from _lib.place import Place
from _lib.refusal import Refused

_KNOWN = frozenset(
    {"root", "clean_urls", "routes", "error_page", "redirects", "headers", "https_only"}
)
_REFUSED = {
    "proxies": "Requests to other servers are not passed on: serve them from an app of their own.",
    "basic_auth": "Put the password check into an app of your own.",
    "canonical_host": "Redirect with `kedge domains` instead.",
}
_SERVER = ".heroku/static"


def work(place: Place) -> None:
    """Check the site's settings and put the server into the slug.

    Raises:
        Refused: static.json cannot be followed, or the site's folder is missing.
    """
    settings = _settings(place.build_dir / "static.json")
    if "root" not in settings and not (place.build_dir / "static.json").is_file():
        settings["root"] = "public" if (place.build_dir / "public/index.html").is_file() else "."
    root = str(settings.setdefault("root", "public_html"))
    files = _files(place.build_dir, root)
    target = place.build_dir / _SERVER
    shutil.copytree(place.folder / "server", target, dirs_exist_ok=True)
    (target / "settings.json").write_text(json.dumps(settings, indent=1, sort_keys=True))
    screen.step(f"Serving {files} files of {root}")


def _settings(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        settings = json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise Refused(f"static.json is not valid JSON: {error}") from error
    if not isinstance(settings, dict):
        raise Refused('static.json holds no JSON object, such as {"root": "dist"}.')
    for name in sorted(settings.keys() & _REFUSED.keys()):
        raise Refused(f"static.json asks for `{name}`, which this server lacks.", _REFUSED[name])
    for name in sorted(settings.keys() - _KNOWN):
        screen.error(f"static.json: `{name}` is not known and has no effect.")
    return settings


def _files(build_dir: Path, root: str) -> int:
    """How many files the site has.

    Raises:
        Refused: it has no folder, or one outside the source.
    """
    folder = (build_dir / root).resolve()
    if not folder.is_relative_to(build_dir.resolve()):
        raise Refused(f"static.json: the root {root} lies outside the source.")
    if not folder.is_dir():
        raise Refused(
            f"The site's folder {root} does not exist.",
            "If a build makes it, add the buildpack that builds before this one, for example:",
            "  kedge buildpacks:add --index 1 nodejs",
        )
    return sum(1 for path in folder.rglob("*") if path.is_file())
