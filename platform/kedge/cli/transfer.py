"""A backup, restore or copy: which one is meant, how it stands, and waiting for its end."""

from __future__ import annotations

import re
import time
from typing import Any

from kedge.cli.api import AppApi
from kedge.cli.databases import size
from kedge.cli.failure import CommandFailed
from kedge.cli.moment import ago
from kedge.cli.progress import Progress
from kedge.cli.screen import paint, say

LETTERS = {"backup": "b", "restore": "r", "copy": "c"}
NAME = re.compile(r"[abrc]?0*(\d{1,9})")
POLL_SECONDS = 0.5
OPEN = ("queued", "running", "verifying")


def title(transfer: dict[str, Any]) -> str:
    """What people call it: `b007`."""
    return f"{LETTERS.get(transfer['kedge']['kind'], 'b')}{transfer['num']:03}"


def all_of(app: AppApi) -> list[dict[str, Any]]:
    """All of an app, the newest first."""
    return app.api.all(_place(app))


def named(app: AppApi, name: str | None) -> dict[str, Any]:
    """One by `b007`, `7` or its id; without a name the newest backup that was verified.

    Raises:
        CommandFailed: there is none.
    """
    listed = all_of(app)
    if name is None:
        green = [e for e in listed if e["kedge"]["kind"] == "backup" and e["succeeded"]]
        if green:
            return green[0]
        raise CommandFailed(f"{app.name} has no backup that was verified.",
                            f"`kedge pg:backups:capture -a {app.name}` makes one.")  # fmt: skip
    number = NAME.fullmatch(name)
    for each in listed:
        if each["uuid"] == name or (number and each["num"] == int(number[1])):
            return each
    raise CommandFailed(f"{app.name} has no backup {name}.",
                        f"`kedge pg:backups -a {app.name}` lists them.")  # fmt: skip


def going_on(app: AppApi) -> dict[str, Any]:
    """The newest one that has not ended. Raises CommandFailed."""
    for each in all_of(app):
        if each["kedge"]["state"] in OPEN:
            return each
    raise CommandFailed(f"No backup, restore or copy of {app.name} goes on.")


def with_log(app: AppApi, transfer: dict[str, Any]) -> dict[str, Any]:
    """The same as it is now, with its log."""
    found: dict[str, Any] = app.api.get(path(app, transfer))
    return found


def path(app: AppApi, transfer: dict[str, Any], *more: str) -> str:
    """Where the API has it."""
    return "/".join([_place(app), transfer["uuid"], *more])


def status(transfer: dict[str, Any]) -> str:
    """How it stands, in words and a colour: only what was restored is green."""
    told = transfer["kedge"]
    state = told["state"]
    if state == "verified":
        return paint(f"Verified {ago(told['finished_at'])}", "green")
    if state == "succeeded":
        return paint(f"Done {ago(told['finished_at'])}", "green")
    if state in OPEN:
        return paint(progress(told), "yellow")
    if state == "failed":
        return paint(f"Failed: {told['reason']}", "red")
    return str(state).capitalize()


def progress(told: dict[str, Any]) -> str:
    """How far one is that goes on."""
    if told["state"] == "queued":
        return "Queued"
    if told["state"] == "verifying":
        done, whole = told.get("restored_bytes") or 0, told["size_bytes"]
        return f"Proving it by a restore: {size(done)} of {size(whole)}"
    if told["kind"] == "backup":
        written = size(told["processed_bytes"])
        return f"{written} written, of a database of {size(told['source_bytes'])}"
    whole = f" of {size(told['size_bytes'])}" if told["size_bytes"] else ""
    return f"{size(told.get('restored_bytes'))}{whole} restored"


def attend(app: AppApi, transfer: dict[str, Any], doing: str) -> dict[str, Any]:
    """Wait until it has ended, with progress. Raises CommandFailed: it did not succeed."""
    name = title(transfer)
    try:
        with Progress() as line:
            while transfer["kedge"]["state"] in OPEN:
                line.show(f"{doing} ({name})… {progress(transfer['kedge'])}")
                time.sleep(POLL_SECONDS)
                transfer = with_log(app, transfer)
    except KeyboardInterrupt:
        say(f"\nNo longer waiting; it goes on. `kedge pg:backups:cancel {name}` ends it.")
        raise
    if not transfer["succeeded"]:
        told = transfer["kedge"]
        raise CommandFailed(
            f"{name} {told['state']}: {told['reason']}",
            f"`kedge pg:backups:info {name} -a {app.name}` tells more.",
        )
    say(f"{paint('✓', 'green')} {doing}: {_outcome(transfer['kedge'])}")
    return transfer


def _outcome(told: dict[str, Any]) -> str:
    rows = f"{told['rows']} rows in {told['tables']} tables"
    if told["kind"] != "backup":
        return f"{rows}, in {told['restore_seconds']:.1f} s."
    return (f"{size(told['size_bytes'])}, {rows}; dumped in {told['dump_seconds']:.1f} s, "
            f"verified by a restore in {told['restore_seconds']:.1f} s.")  # fmt: skip


def _place(app: AppApi) -> str:
    return f"/client/v11/apps/{app.name}/transfers"
