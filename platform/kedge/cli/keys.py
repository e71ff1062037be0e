"""Encryption keys of the platform: `kedge keys:rotate`."""

from __future__ import annotations

import click

from kedge.cli.api import Api
from kedge.cli.options import json_option, on_platform
from kedge.cli.screen import count, say, show_json


@click.command("keys:rotate")
@on_platform
@json_option
def rotate(api: Api, as_json: bool) -> None:
    """Make a new encryption key and seal every config var with it; apps do not notice."""
    done = api.post("/kedge/keys/rotate")
    if as_json:
        show_json(done)
    else:
        say(f"Sealed {count(done['resealed'], 'config snapshot')} with a new key.")
