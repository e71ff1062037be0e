"""Django's static files."""

from __future__ import annotations

import os
from pathlib import Path

from _lib import screen, tool
from _lib.place import Place
from _lib.refusal import Refused

from python_buildpack.uv import VENV, pythons_environment

_PASSED_OVER = frozenset({".heroku", ".git", "node_modules", "venv", ".venv"})
_DEEPEST = 3


def manage_py(build_dir: Path) -> Path | None:
    """The nearest manage.py, at most three folders deep; a path relative to the source."""
    for folder, folders, files in os.walk(build_dir):
        here = Path(folder).relative_to(build_dir)
        if "manage.py" in files:
            return here / "manage.py"
        folders[:] = sorted(set(folders) - _PASSED_OVER) if len(here.parts) < _DEEPEST - 1 else []
    return None


def is_installed(build_dir: Path) -> bool:
    """Whether Django is among the app's packages."""
    return any((build_dir / VENV).glob("lib/python3*/site-packages/django/__init__.py"))


def collect_static(place: Place) -> None:
    """Run collectstatic where there is a manage.py and Django, unless DISABLE_COLLECTSTATIC is set.

    Raises:
        Refused: it failed; with the cause where it is a common one.
    """
    manage = manage_py(place.build_dir)
    if manage is None or not is_installed(place.build_dir):
        return
    if place.config.get("DISABLE_COLLECTSTATIC", "0") not in {"", "0"}:
        screen.step("Skipping collectstatic, for DISABLE_COLLECTSTATIC is set")
        return
    screen.step(f"$ python {manage} collectstatic --noinput")
    # No pyc files into the source's layer: they would carry the times of this build.
    env = place.app_env(**pythons_environment(), PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1")
    command = [
        str(place.build_dir / VENV / "bin/python"),
        str(manage),
        "collectstatic",
        "--noinput",
    ]
    status, lines = tool.run_shown(command, env=env, cwd=place.build_dir)
    if status == 0:
        return
    text = "\n".join(lines)
    if "Unknown command: 'collectstatic'" in text:
        screen.detail("django.contrib.staticfiles is not in INSTALLED_APPS: nothing to collect")
        return
    raise Refused(
        "Django's static files could not be collected.",
        *_cause(text),
        "The output above says where it failed. To push without static files:",
        "  kedge config:set DISABLE_COLLECTSTATIC=1",
    )


def _cause(text: str) -> list[str]:
    if "STATIC_ROOT" in text:
        return [
            "Set STATIC_ROOT in the settings, for example: STATIC_ROOT = BASE_DIR / 'staticfiles'"
        ]
    if "SECRET_KEY" in text:
        return [
            "The settings want a SECRET_KEY: kedge config:set SECRET_KEY=… (or the name they read)"
        ]
    if "KeyError" in text or "ImproperlyConfigured" in text:
        return ["A config var the settings read is missing: kedge config:set NAME=VALUE"]
    if "ModuleNotFoundError" in text:
        return ["A package is missing: add it to the file that lists the dependencies."]
    return []
