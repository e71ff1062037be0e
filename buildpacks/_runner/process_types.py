"""The process types of a slug: the Procfile's, over the buildpack's defaults."""

from __future__ import annotations

from collections.abc import Mapping

from _lib import screen


def merge(procfile: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """All process types by name; the Procfile wins."""
    return {**defaults, **procfile}


def show(procfile: Mapping[str, str], defaults: Mapping[str, str]) -> None:
    """Print them in Heroku's form."""
    screen.step("Discovering process types")
    added = [name for name in defaults if name not in procfile]
    if not procfile and not added:
        screen.detail("Procfile declares types -> (none)")
    elif procfile and not added:
        screen.detail(f"Procfile declares types -> {', '.join(procfile)}")
    else:
        screen.detail(f"Procfile declares types     -> {', '.join(procfile) or '(none)'}")
        screen.detail(f"Default types for buildpack -> {', '.join(added)}")


def show_missing_web(types: Mapping[str, str], misspelled: str | None) -> None:
    """Say it when nothing will answer requests, which a pusher rarely means."""
    if misspelled:
        screen.error(
            f"The file {misspelled} is not read: its name must be Procfile, without ending."
        )
    if "web" not in types:
        screen.error("No process type is called web: requests to this app will get error H14.")
        screen.error("If it should answer requests, add a line `web: COMMAND` to its Procfile.")
