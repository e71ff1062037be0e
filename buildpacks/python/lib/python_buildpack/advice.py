"""Words for an app without a web process: as on Heroku, none is made up for Python."""

from __future__ import annotations

import re
from pathlib import Path

from _lib import screen

from python_buildpack import django
from python_buildpack.uv import VENV


def advise(build_dir: Path) -> None:
    """Say what a web process could be when the Procfile has none and a framework is there."""
    file = build_dir / "Procfile"
    if file.is_file() and re.search(r"^web:", file.read_text(errors="replace"), re.MULTILINE):
        return
    suggestion = _suggestion(build_dir)
    if suggestion:
        screen.error("There is no web process in a Procfile. For this app it could be:")
        screen.error(f"  web: {suggestion}")
        if not _has(build_dir, "gunicorn") and suggestion.startswith("gunicorn"):
            screen.error("with gunicorn added to the dependencies.")


def _suggestion(build_dir: Path) -> str:
    if django.is_installed(build_dir):
        wsgi = sorted(build_dir.glob("*/wsgi.py"))
        return f"gunicorn {wsgi[0].parent.name}.wsgi" if wsgi else "gunicorn PROJECT.wsgi"
    if _has(build_dir, "flask"):
        modules = [name for name in ("app", "main", "wsgi") if (build_dir / f"{name}.py").is_file()]
        return f"gunicorn {modules[0] if modules else 'MODULE'}:app"
    if _has(build_dir, "fastapi"):
        return "uvicorn main:app --host 0.0.0.0 --port $PORT"
    return ""


def _has(build_dir: Path, package: str) -> bool:
    return any((build_dir / VENV).glob(f"lib/python3*/site-packages/{package}/__init__.py"))
