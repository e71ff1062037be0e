"""Releases: `kedge releases`, `releases:info`, `:diff`, `:output`, `:verify`."""

from __future__ import annotations

from typing import Any

import click

from kedge.cli.api import AppApi
from kedge.cli.difference import titled
from kedge.cli.failure import CommandFailed
from kedge.cli.moment import ago, local
from kedge.cli.options import json_option, on_app
from kedge.cli.screen import colour_of, heading, paint, say, show, show_json
from kedge.cli.stream import copy_output
from kedge.cli.table import show_table


class Version(click.ParamType[int]):
    """A release's number, with or without its v."""

    name = "version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """`v7` and `7` are 7."""
        digits = str(value).removeprefix("v")
        if not digits.isdigit():
            self.fail(f"{value!r} is no release; they are written v7.", param, ctx)
        return int(digits)


VERSION = Version()


@click.command("releases")
@on_app
@json_option
@click.option("-n", "--num", default=15, show_default=True, help="How many.")
def list_(app: AppApi, as_json: bool, num: int) -> None:
    """List the newest releases; the one marked with a dot is live."""
    releases = app.api.newest(app.path("releases"), num)
    if as_json:
        show_json(releases)
        return
    head = next((r["version"] for r in releases if r["current"]), None)
    heading(f"Releases of {app.name}" + (f", v{head} is live" if head else ""))
    show_table([_row(release) for release in releases], fold=2)


@click.command("releases:info")
@click.argument("version", type=VERSION, required=False)
@on_app
@json_option
def info(app: AppApi, version: int | None, as_json: bool) -> None:
    """Show a release; without a number the newest."""
    release = get(app, version)
    if as_json:
        show_json(release)
        return
    heading(f"Release v{release['version']} of {app.name}")
    show_table(
        [[click.style(f"{label}:", fg="cyan"), value] for label, value in _facts(release) if value]
    )


@click.command("releases:diff")
@click.argument("old", type=VERSION, required=False, metavar="[FROM]")
@click.argument("new", type=VERSION, required=False, metavar="[TO]")
@on_app
@json_option
def diff(app: AppApi, old: int | None, new: int | None, as_json: bool) -> None:
    """Show what differs between two releases: code, config keys, processes, formation, stack.

    With one number: from that release to the newest. With none: what the newest release changed.
    """
    if new is None:
        new = int(get(app, None)["version"])
    if old is None:
        old = max(new - 1, 1)
    difference = between(app, old, new)
    if as_json:
        show_json(difference)
        return
    for line in titled(difference):
        show(line)


@click.command("releases:output")
@click.argument("version", type=VERSION, required=False)
@on_app
def output(app: AppApi, version: int | None) -> None:
    """Print what the release command of a release printed; without a number, of the newest."""
    release = get(app, version)
    if not release.get("output_stream_url"):
        say(f"v{release['version']} ran no release command.")
        return
    copy_output(app.api, release["output_stream_url"])


@click.command("releases:verify")
@on_app
@json_option
def verify(app: AppApi, as_json: bool) -> None:
    """Check the chain of digests over all releases: whether any was altered since it was made."""
    found = app.api.get(app.own_path("releases", "verify"))
    if as_json:
        show_json(found)
    if not found["verified"]:
        raise CommandFailed(
            f"v{found['broken_at']} of {app.name} is not as it was made: {found['reason']}",
            "Restore the database from a backup, or deploy again and do not roll back to it.",
        )
    if not as_json:
        show(f"{paint('✓', 'green')} {found['releases']} releases of {app.name}, none altered.")


def get(app: AppApi, version: int | None) -> dict[str, Any]:
    """A release by number, the newest without one.

    Raises:
        CommandFailed: the app has no release.
    """
    if version is not None:
        release: dict[str, Any] = app.api.get(app.path("releases", version))
        return release
    newest = app.api.newest(app.path("releases"), 1)
    if not newest:
        raise CommandFailed(f"{app.name} has no releases yet.", "Deploy with `git push kedge`.")
    found: dict[str, Any] = newest[0]
    return found


def between(app: AppApi, old: int, new: int) -> dict[str, Any]:
    """What differs from one release to another."""
    return _difference(app, {"from": old, "to": new})


def going_back(app: AppApi, version: int) -> dict[str, Any]:
    """What a rollback to a release would change of what runs."""
    return _difference(app, {"to": version, "as": "rollback"})


def _difference(app: AppApi, asked: dict[str, int | str]) -> dict[str, Any]:
    difference: dict[str, Any] = app.api.get(app.own_path("releases", "diff"), **asked)
    return difference


def _row(release: dict[str, Any]) -> list[str]:
    status, live = release["status"], release["current"]
    shown = "live" if live else "" if status == "succeeded" else status
    mark = paint("●", "green") if live else paint("✗", "red") if status == "failed" else " "
    faint = "bright_black" if status == "expired" else None
    return [
        mark,
        paint(f"v{release['version']}", faint, bold=live),
        paint(release["description"] or "", faint),
        paint(shown, colour_of(shown)),
        paint((release.get("user") or {}).get("email", ""), faint),
        paint(ago(release["created_at"]), "bright_black"),
    ]


def _facts(release: dict[str, Any]) -> list[tuple[str, str]]:
    status = release["status"]
    return [
        ("What", release["description"] or ""),
        ("Status", paint(status, colour_of(status)) + (", live" if release["current"] else "")),
        ("By", (release.get("user") or {}).get("email", "")),
        ("When", f"{local(release['created_at'])} ({ago(release['created_at'])})"),
        ("Slug", (release.get("slug") or {}).get("id", "none")),
        ("Add-ons", ", ".join(release.get("addon_plan_names") or [])),
        ("Rollback", "eligible" if release.get("eligible_for_rollback") else "not eligible"),
    ]
