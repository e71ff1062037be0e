"""Being signed in: `kedge login`, `logout`, `whoami`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kedge.cli import credentials, target
from kedge.cli.api import Api
from kedge.cli.failure import ApiRefused, CommandFailed
from kedge.cli.options import json_option, on_platform
from kedge.cli.screen import is_terminal, say, show, show_json


@click.command("login")
@click.argument("url", required=False)
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CA to trust the platform by: a copy of ca.pem from its home.",
)
def login(url: str | None, ca: Path | None) -> None:
    """Sign in to a platform with a token, and use that platform from now on.

    The token is asked for, or read from stdin. The owner's lies in the file `token` in the
    platform's home; it is kept here in a file only you can read.
    """
    place = target.normal(url) if url else target.find().url
    known = ca or target.at(place, target.home_here()).ca_file
    chosen = target.Target(place, _token(place), known)
    try:
        account = Api(chosen).get("/account")
    except ApiRefused as refused:
        if refused.status != 401:
            raise
        raise CommandFailed(
            f"{chosen.url} does not know this token.",
            "The owner's is in the file `token` in the platform's home: /var/lib/kedge/token.",
        ) from None
    ca_pem = known.read_bytes() if known else None
    credentials.keep(chosen.url, chosen.token or "", account["email"], ca_pem)
    say(f"Signed in to {chosen.url} as {account['email']}.")


@click.command("logout")
@click.argument("url", required=False)
def logout(url: str | None) -> None:
    """Forget the token of a platform, of the current one without a URL."""
    named = url or credentials.current_url()
    if named is None or not credentials.forget(target.normal(named)):
        raise CommandFailed(f"You are not signed in{f' to {named}' if named else ''}.")
    say(f"Signed out of {named}.")


@click.command("whoami")
@on_platform
@json_option
def whoami(api: Api, as_json: bool) -> None:
    """Show who you are signed in as, and where."""
    account = api.get("/account")
    if as_json:
        show_json(account)
        return
    show(account["email"])
    if is_terminal():
        say(f"on {api.target.url}")


def _token(url: str) -> str:
    """The token, typed unseen or read from stdin; never an argument, which others could read."""
    if is_terminal():
        token: str = click.prompt(f"Token for {url}", hide_input=True, err=True)
    else:
        token = sys.stdin.readline()
    if not token.strip():
        raise CommandFailed("No token was given.", f"`kedge login {url} < token-file` reads one.")
    return token.strip()
