"""The git checkout a command is called in: its remotes, and the app they name."""

from __future__ import annotations

import subprocess
from urllib.parse import urlsplit

from kedge.cli.failure import CommandFailed

REMOTE = "kedge"


def git(*arguments: str) -> str:
    """Run git here; out: what it printed, without the final newline.

    Raises:
        CommandFailed: git said no, in its own words.
    """
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CommandFailed("git is not installed.", "Install it, then try again.") from None
    if done.returncode != 0:
        raise CommandFailed(f"git {arguments[0]}: {done.stderr.strip() or 'failed'}")
    return done.stdout.removesuffix("\n")


def is_checkout() -> bool:
    """Whether this folder is in a git checkout."""
    try:
        return git("rev-parse", "--is-inside-work-tree") == "true"
    except CommandFailed:
        return False


def remotes() -> dict[str, str]:
    """The remotes of this checkout, name to URL as configured; none outside of one."""
    try:
        lines = git("config", "--get-regexp", r"^remote\..*\.url$").splitlines()
    except CommandFailed:
        return {}
    pairs = (line.split(" ", 1) for line in lines)
    return {key.removeprefix("remote.").removesuffix(".url"): url for key, url in pairs}


def app_of(remote: str | None) -> str | None:
    """The app the remote names: that one, else `kedge`, else `heroku` (unless it is Heroku's)."""
    known = remotes()
    if remote:
        return app_in(known[remote]) if remote in known else None
    if REMOTE in known:
        return app_in(known[REMOTE])
    other = known.get("heroku", "")
    return None if not other or "heroku.com" in other else app_in(other)


def app_in(url: str) -> str | None:
    """The app of a remote's URL: `http://localhost:8080/myapp.git` is `myapp`."""
    return urlsplit(url).path.rstrip("/").rpartition("/")[2].removesuffix(".git") or None
