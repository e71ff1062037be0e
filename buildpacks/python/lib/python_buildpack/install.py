"""The virtual environment: taken from the last build when nothing it depends on changed."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from _lib import dependency_tree, download_cache, screen
from _lib.place import Place

from python_buildpack import pipfile, poetry, project, requirements
from python_buildpack.bytecode import compile_all
from python_buildpack.interpreter import Interpreter
from python_buildpack.uv import VENV, Uv

_SETTINGS = ("UV_", "PIP_")


def install(place: Place, interpreter: Interpreter, lock: str) -> None:
    """Put `.heroku/python` in place, with everything `lock` names.

    Raises:
        Refused: a package could not be installed.
    """
    uv = Uv(place, interpreter.program)
    key = _key(place, interpreter, lock, uv.version())
    kept = place.cache_dir / "python" / "environment" / key
    if dependency_tree.restore(kept, place.build_dir):
        screen.step(f"Using the dependencies of {lock} as installed before")
    else:
        screen.step(f"Installing the dependencies of {lock} with uv {uv.version()}")
        uv.make_environment()
        _fill(place, uv, lock)
        _finish(place)
    dependency_tree.forget_others(kept)
    dependency_tree.declare("20-environment", dependency_tree.Declaration((VENV,), kept))


def _key(place: Place, interpreter: Interpreter, lock: str, uv_version: str) -> str:
    settings = sorted(
        f"{name}={value}" for name, value in place.config.items() if name.startswith(_SETTINGS)
    )
    runtime = (interpreter.program, interpreter.version, place.stack, place.version, uv_version)
    return dependency_tree.key_of([*runtime, *settings, lock, *_depends_on(place.build_dir, lock)])


def _depends_on(build_dir: Path, lock: str) -> list[str]:
    """Digests and texts of all in the source that decides what is installed."""
    text = (build_dir / lock).read_text(errors="replace")
    if lock == "requirements.txt":
        return _depends_on_requirements(requirements.read(build_dir / lock))
    if lock == "Pipfile.lock":
        in_place = '"editable": true' in text
        return [text, project.editable_digest(build_dir) if in_place else ""]
    copies = 'directory = "' in text or 'type = "directory"' in text
    digest = project.whole_digest if copies else project.editable_digest
    return [text, digest(build_dir)]


def _depends_on_requirements(found: requirements.Requirements) -> list[str]:
    parts = [found.text]
    parts += [project.whole_digest(path) for path in found.local]
    parts += [project.editable_digest(path) for path in found.editable]
    if found.moving:
        # A branch may have moved since: never the same again.
        parts.append(uuid.uuid4().hex)
    return parts


def _fill(place: Place, uv: Uv, lock: str) -> None:
    listed = Path(os.environ["TMPDIR"]) / "requirements.txt"
    if lock == "uv.lock":
        uv.sync()
    elif lock == "requirements.txt":
        _fill_from_requirements(place, uv, lock)
    elif lock == "Pipfile.lock":
        listed.write_text(pipfile.requirements(place.build_dir / lock))
        uv.pip_install("--no-deps", "-r", str(listed))
    elif lock == "poetry.lock":
        poetry.export(uv, listed)
        uv.pip_install("--no-deps", "-r", str(listed))
        if poetry.has_package(place.build_dir):
            uv.pip_install("--no-deps", "-e", ".")
    else:
        uv.pip_install("-r", lock)


def _fill_from_requirements(place: Place, uv: Uv, lock: str) -> None:
    """Install what the file names; beside it, for it may include others by relative paths."""
    file = place.build_dir / lock
    hashed = requirements.read(file).hashed
    taken = place.build_dir / ".requirements.uv.txt"
    taken.write_text(requirements.for_uv(file))
    try:
        uv.pip_install("-r", taken.name, *(["--require-hashes"] if hashed else []))
    finally:
        taken.unlink()


def _finish(place: Place) -> None:
    """Compile, and drop what differs between two equal installations."""
    venv = place.build_dir / VENV
    for record in venv.glob("lib/python3*/site-packages/*.dist-info/uv_cache.json"):
        record.unlink()
    (venv / ".lock").unlink(missing_ok=True)
    for packages in venv.glob("lib/python3*/site-packages"):
        compile_all(place, venv / "bin/python", packages)
    download_cache.bound(place.cache_dir / "uv")
