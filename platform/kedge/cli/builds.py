"""Builds: `kedge builds`, `builds:create`, `builds:output`, `builds:cancel`."""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import click

from kedge.cli import checkout
from kedge.cli.api import AppApi
from kedge.cli.failure import CommandFailed
from kedge.cli.moment import ago
from kedge.cli.options import json_option, on_app, wait_option
from kedge.cli.rollout import wait_for_release
from kedge.cli.screen import app_name, colour_of, doing, heading, paint, say, show, show_json
from kedge.cli.stream import copy_output
from kedge.cli.table import show_table

SHORT = 8
PIECE_BYTES = 1024 * 1024


@click.command("builds")
@on_app
@json_option
@click.option("-n", "--num", default=15, show_default=True, help="How many.")
def list_(app: AppApi, as_json: bool, num: int) -> None:
    """List the newest builds."""
    builds = app.api.newest(app.path("builds"), num)
    if as_json:
        show_json(builds)
    elif not builds:
        say(f"{app_name(app.name)} has no builds yet. Deploy with `git push kedge`.")
    else:
        heading(f"Builds of {app.name}")
        show_table([_row(build) for build in builds])


@click.command("builds:output")
@click.argument("build", required=False)
@on_app
def output(app: AppApi, build: str | None) -> None:
    """Print the output of a build, as it comes when it still runs; by default of the newest."""
    copy_output(app.api, _find(app, build)["output_stream_url"])


@click.command("builds:cancel")
@click.argument("build", required=False)
@on_app
def cancel(app: AppApi, build: str | None) -> None:
    """Cancel a build; by default the newest."""
    found = _find(app, build)
    if found["status"] != "pending":
        raise CommandFailed(f"Build {found['id'][:SHORT]} has {found['status']} already.")
    app.api.delete(app.path("builds", found["id"]))
    say(f"Cancelled build {found['id'][:SHORT]} of {app_name(app.name)}.")


@click.command("builds:create")
@click.argument("source", type=click.Path(exists=True, path_type=Path), default=".")
@on_app
@json_option
@wait_option
@click.option("--version", "label", help="What to call it, as a commit's id.")
def create(app: AppApi, source: Path, as_json: bool, wait: bool, label: str | None) -> None:
    """Build and release a folder, or a .tar.gz of one, without git.

    Of a git checkout the files git knows or would add are taken, of another folder all.
    """
    with tempfile.TemporaryDirectory() as scratch:
        archive = source if source.is_file() else _packed(source, Path(scratch) / "source.tar.gz")
        blob = _uploaded(app, archive)
    asked = {"source_blob": blob | ({"version": label} if label else {})}
    build = app.api.post(app.path("builds"), asked)
    if wait:
        copy_output(app.api, build["output_stream_url"])
        build = _finished(app, build)
    if as_json:
        show_json(build)
    elif not wait:
        show(build["id"])


def _packed(folder: Path, archive: Path) -> Path:
    """The folder as a tarball; .git stays out, and what .gitignore names in a checkout."""
    with tarfile.open(archive, "w:gz", compresslevel=6) as tarball:
        for name in _files(folder):
            tarball.add(folder / name, arcname=name, recursive=False)
    return archive


def _files(folder: Path) -> list[str]:
    try:
        listed = checkout.git(
            "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"
        )
    except CommandFailed:
        paths = (path.relative_to(folder) for path in sorted(folder.rglob("*")))
        return [str(path) for path in paths if path.parts[0] != ".git"]
    return [n for n in listed.split("\0") if n and os.path.lexists(folder / n)]


def _uploaded(app: AppApi, archive: Path) -> dict[str, str]:
    """Put the archive where the platform wants it; out: how a build names it."""
    blob = app.api.post("/sources")["source_blob"]
    digest = hashlib.sha256()
    with archive.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
        size = file.tell()
        file.seek(0)
        headers = {"Content-Length": str(size), "Content-Type": ""}
        with (
            doing(f"Uploading {size / 1_000_000:.1f} MB"),
            app.api.open("PUT", blob["put_url"], content=file, headers=headers) as answer,
        ):
            if answer.status_code >= 300:
                raise CommandFailed(f"The upload was refused: status {answer.status_code}.")
    say("done")
    return {"url": blob["get_url"], "checksum": f"SHA256:{digest.hexdigest()}"}


def _finished(app: AppApi, build: dict[str, Any]) -> dict[str, Any]:
    """The build after its output has ended, its release live."""
    found: dict[str, Any] = app.api.get(app.path("builds", build["id"]))
    if found["status"] == "failed":
        raise CommandFailed("The build failed; its output is above.")
    if found.get("release"):
        release = app.api.get(app.path("releases", found["release"]["id"]))
        wait_for_release(app, int(release["version"]))
    return found


def _find(app: AppApi, wanted: str | None) -> dict[str, Any]:
    """A build by its id or the beginning of it; the newest without one."""
    builds = app.api.newest(app.path("builds"), 200 if wanted else 1)
    fitting = [build for build in builds if build["id"].startswith(wanted or "")]
    if len(fitting) != 1:
        what = "no build" if not fitting else "more than one build"
        raise CommandFailed(
            f"{app.name} has {what}{f' {wanted}' if wanted else ''}.",
            f"`kedge builds -a {app.name}` lists them.",
        )
    found: dict[str, Any] = fitting[0]
    return found


def _row(build: dict[str, Any]) -> list[str]:
    status = build["status"]
    return [
        build["id"][:SHORT],
        paint(status, colour_of(status)),
        ((build.get("source_blob") or {}).get("version") or "")[:SHORT],
        (build.get("user") or {}).get("email", ""),
        paint(ago(build["created_at"]), "bright_black"),
    ]
