"""What the command line calls: up, down, uninstall, status, doctor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kedge.home import detached, installation, lock, parts, procfile, stop
from kedge.home import up as foreground
from kedge.home.findings import Finding
from kedge.home.installation import Installation
from kedge.home.status import Status, observe, of_nothing
from kedge.settings import Settings

Say = Callable[[str], None]


def up(settings: Settings, *, detach: bool, say: Say, processes: Path | None = None) -> int:
    """`kedge up [--detach]`; the exit status. In the foreground it returns when Kedge has stopped.

    `processes` is another Procfile than the checkout's own.
    """
    if detach:
        return detached.run(settings, say=say, processes=processes)
    return foreground.run(settings, say=say, processes=processes, ready=lambda: None)


def down(settings: Settings, *, stop_dynos: bool, say: Say) -> int:
    """`kedge down [--stop-dynos]`: 0 once nothing of the installation runs."""
    found = installation.find(settings)
    if found is None:
        say("Kedge is not running: nothing was ever started in this home.")
        return 0
    stop.down(found, dynos=stop_dynos, say=say)
    say(
        "Kedge is down."
        if stop_dynos
        else "Kedge is down. Dynos stay; the next `kedge up` adopts them."
    )
    return 0


def uninstall(
    settings: Settings,
    *,
    keep_data: bool,
    confirm: Callable[[Path], str],
    say: Say,
    told: Callable[[str, int, int], None],
) -> int:
    """`kedge uninstall [--keep-data]`: 0 once nothing of the installation is left.

    `confirm` is called with the home when it is known what would go, and must give its path.
    """
    from kedge.home import inventory  # `up` stays small without them
    from kedge.home import uninstall as removal

    found = removal.find(settings)
    for line in inventory.words(found, removal.look(found), keep_data=keep_data):
        say(line)
    if confirm(found.home) != str(found.home):
        raise removal.UninstallRefused(
            "That is not its path: nothing was removed.",
            f"`kedge uninstall --confirm {found.home}` does not ask.",
        )
    removal.remove(found, keep_data=keep_data, say=say, told=told)
    say(
        "Kedge is uninstalled. `kedge up` goes on from its data." if keep_data else "Kedge is gone."
    )
    return 0


def status(settings: Settings, *, processes: Path | None = None) -> Status:
    """`kedge status`: what runs and answers now."""
    wanted = procfile.read(processes or procfile.OWN)
    found = installation.find(settings)
    if found is None:
        nobody = Installation(settings, "")
        names = [part.name for part in parts.of(nobody, wanted)]
        return of_nothing(nobody.url, nobody.https_url, names)
    return observe(found, parts.of(found, wanted))


def doctor(settings: Settings) -> list[Finding]:
    """`kedge doctor`: everything looked at on this machine and in this installation."""
    from kedge.home.doctor import findings  # `up` stays small without it

    found = installation.find(settings)
    runs = found is not None and lock.holder(found.home) is not None
    return findings(
        found.settings if found else settings, found, status(settings) if runs else None
    )
