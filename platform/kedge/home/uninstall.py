"""Removing an installation wholly: `kedge uninstall`.

First what runs, then what is on the engine, then the home. The home's `installation` file, which
names all the rest, goes last: whatever ends this half-way, the next call finds what is left. In the
home only what Kedge itself made is removed: a KEDGE_HOME that is somebody's folder loses nothing.
"""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path

from kedge.engine.docker import traces
from kedge.errors import RuntimeDown, StartRefused
from kedge.home import installation, inventory, lock, parts, postgres, probes, procfile, stop
from kedge.home.installation import Installation
from kedge.home.inventory import Inventory
from kedge.home.start import Say
from kedge.settings import Settings

ID = re.compile(r"[0-9a-f]{12}")
# In this order, after everything else: where the engine is, the lock held meanwhile, whose all is.
LAST = ("started-with.json", "up.lock", "installation")
# What can be asked over a socket in the home, whoever runs it.
ASKED = ("postgres", "redis", "web", "router", "haproxy")


class UninstallRefused(StartRefused):
    """Nothing was removed, or not all of it; `remedy` says what to do."""


def find(settings: Settings) -> Installation:
    """The installation in the home.

    Raises:
        UninstallRefused: the folder is no Kedge home.
    """
    found = installation.find(settings)
    if found is None or not ID.fullmatch(found.id):
        raise UninstallRefused(
            f"{settings.home} is no home of Kedge: nothing was removed.",
            "Name the home: KEDGE_HOME=/path kedge uninstall",
        )
    return found


def look(found: Installation) -> Inventory:
    """Everything there is of it.

    Raises:
        UninstallRefused: the engine does not answer, and containers might be left on it.
    """
    try:
        return inventory.take(found)
    except RuntimeDown as error:
        raise UninstallRefused(
            f"{error.message} Nothing was removed.",
            "Start the engine (without systemd: bin/engine), then again. If it is gone for good, "
            f"with all its containers: kedge down; rm -r {found.home}",
        ) from error


def remove(found: Installation, *, keep_data: bool, say: Say, told: traces.Told) -> None:
    """Stop the installation and remove it; may be called again after a kill.

    Args:
        found: which.
        keep_data: leave the database, repositories, slugs, keys and the volumes of add-ons.
        say: takes lines for a person.
        told: hears of each container, image, volume and entry of the home that is gone.

    Raises:
        UninstallRefused: parts of it run in containers, or something may not be removed.
        RuntimeDown: the engine went away meanwhile, or something is in use by somebody else.
        AlreadyRunning: somebody starts it meanwhile.
    """
    # Where there is no Docker CLI, as in a container, dynos are removed without a SIGTERM.
    stop.down(found, dynos=shutil.which("docker") is not None, say=say)
    _refuse_running(found)
    with lock.held(found.home):
        traces.remove_all(found.settings, found.id, keep_data=keep_data, told=told)
        postgres.cease(found)
        if not found.run_dir.is_relative_to(found.home):
            shutil.rmtree(found.run_dir, ignore_errors=True)
        _remove_files(found.home, keep_data=keep_data, told=told)
    _remove_folder(found.home)


def _refuse_running(found: Installation) -> None:
    """What answers after the stop is not this machine's: compose runs it in a container."""
    every = parts.of(found, procfile.read(procfile.OWN))
    for name in (part.name for part in every if part.command is not None and part.name in ASKED):
        probe = parts.probe_of(name, found)
        if probe and probes.probed(probe) is None:
            raise UninstallRefused(
                f"{name} still answers: this home is run by containers. Nothing was removed.",
                "End them first: docker compose down",
            )


def _remove_files(home: Path, *, keep_data: bool, told: traces.Told) -> None:
    names = _in_order(home, keep_data=keep_data)
    for number, name in enumerate(names, 1):
        try:
            _remove(home / name)
        except OSError as error:
            raise UninstallRefused(
                f"{error.filename} cannot be removed: {error.strerror}.",
                f"Run this as the owner of {home}, or as root; what is left is found again.",
            ) from error
        told("entries of the home", number, len(names))


def _in_order(home: Path, *, keep_data: bool) -> list[str]:
    names = {entry.name for entry in home.iterdir() if inventory.is_ours(entry.name)}
    if keep_data:
        names -= inventory.DATA
    return [*sorted(names.difference(LAST)), *(name for name in LAST if name in names)]


def _remove(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except OSError as error:
        _only_mounted(path, error)


def _remove_folder(home: Path) -> None:
    """The home itself, when nothing is left in it and it is a plain folder."""
    if home.is_symlink() or any(home.iterdir()):
        return
    try:
        home.rmdir()
    except OSError as error:
        _only_mounted(home, error)


def _only_mounted(folder: Path, error: OSError) -> None:
    """Raises the error, unless something is mounted there: an empty disk or volume may stay.

    Taking it away is the business of who put it there. `os.path.ismount` does not know a volume
    that is on the disk of the folder around it.
    """
    if error.errno != errno.EBUSY or any(folder.iterdir()):
        raise error
