"""The git remote of an app, and git's credentials for it: `kedge git:remote`, `git:credentials`.

The token is never in a URL or in git's configuration. git asks `kedge git:credentials` for it,
by an entry in this checkout's configuration which is for the platform's URL only.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys

import click

from kedge.cli import checkout, target
from kedge.cli.api import AppApi
from kedge.cli.failure import CommandFailed
from kedge.cli.options import on_app
from kedge.cli.screen import app_name, paint, say, show


@click.command("git:remote")
@on_app
@click.option("-n", "--name", default=checkout.REMOTE, show_default=True, help="Its name.")
def remote(app: AppApi, name: str) -> None:
    """Add the git remote of an app to this checkout, or point it to another app."""
    if not checkout.is_checkout():
        raise CommandFailed("This folder is in no git checkout.", "`git init` makes one.")
    app.api.get(app.path())
    point(app, name, replace=True)
    show(url_of(app))


def url_of(app: AppApi) -> str:
    """Where the app's code is pushed to."""
    return f"{app.api.target.url}/{app.name}.git"


def point(app: AppApi, name: str, *, replace: bool) -> None:
    """Make the remote of that name lead to the app, and git find the token for it."""
    url = url_of(app)
    known = checkout.remotes().get(name)
    if known is None:
        checkout.git("remote", "add", name, url)
    elif known != url and not replace:
        say(
            f"The git remote {name} leads to {known} and stays so. "
            f"`kedge git:remote -a {app.name}` points it here."
        )
        return
    else:
        checkout.git("remote", "set-url", name, url)
    arrange_credentials(app.api.target)
    say(f"The git remote {name} leads to {app_name(app.name)}. Deploy: git push {name} main")


def unpoint(app: AppApi) -> None:
    """Remove the remotes that lead to the app."""
    for name, url in checkout.remotes().items():
        if url == url_of(app):
            checkout.git("remote", "remove", name)
            say(f"Removed the git remote {name}.")


def rename(app: AppApi, new: str) -> None:
    """Point the remotes that lead to the app to its new name."""
    for name, url in checkout.remotes().items():
        if url == url_of(app):
            checkout.git("remote", "set-url", name, url_of(AppApi(app.api, new)))
            say(f"The git remote {name} leads to {app_name(new)}.")


def arrange_credentials(platform: target.Target) -> None:
    """Make git in this checkout ask us, and nobody else, for the platform's token."""
    key = f"credential.{platform.url}.helper"
    checkout.git("config", "--local", "--replace-all", key, "")  # forget helpers from elsewhere
    checkout.git("config", "--local", "--add", key, _helper())
    if platform.is_secure and platform.ca_file:
        checkout.git("config", "--local", f"http.{platform.url}.sslCAInfo", str(platform.ca_file))
        if os.environ.get("GIT_SSL_CAINFO"):
            say(
                f"{paint('Warning:', 'yellow')} GIT_SSL_CAINFO is set and hides the platform's CA "
                f"from git: `env -u GIT_SSL_CAINFO git push …`."
            )


def _helper() -> str:
    """The helper as git's shell runs it; it finds the same home from any other shell."""
    program = "kedge" if shutil.which("kedge") else shlex.quote(os.path.abspath(sys.argv[0]))  # noqa: PTH100 - not resolved: a link may be what is on PATH
    home = os.environ.get("KEDGE_HOME")
    prefix = f"KEDGE_HOME={shlex.quote(os.path.abspath(home))} " if home else ""  # noqa: PTH100
    return f"!{prefix}{program} git:credentials"


@click.command("git:credentials", hidden=True)
@click.argument("operation")
def credentials(operation: str) -> None:
    """Answer git's credential protocol (`man git-credential`) for a platform's URL, for no other.

    Also when somebody made this the helper for every URL.
    """
    if operation != "get":
        return
    asked = dict(line.split("=", 1) for line in sys.stdin.read().splitlines() if "=" in line)
    if "protocol" not in asked or "host" not in asked:
        return
    url = target.normal(f"{asked['protocol']}://{asked['host']}")
    found = target.at(url, target.home_here())
    if found.token and (found.is_known or _is_used_here(url)):
        show(f"username=kedge\npassword={found.token}")


def _is_used_here(url: str) -> bool:
    """Whether this checkout was set up for the URL, or the environment names it."""
    key = f"credential.{url}.helper"
    try:
        return "git:credentials" in checkout.git("config", "--local", "--get-all", key)
    except CommandFailed:
        return os.environ.get("KEDGE_URL") is not None and target.find().url == url
