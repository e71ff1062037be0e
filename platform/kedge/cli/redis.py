"""Redis instances: `kedge redis:info`, `redis:credentials`, `redis:maxmemory`, `redis:timeout`."""

from __future__ import annotations

from typing import Any

import click

from kedge.cli import provisioning
from kedge.cli.api import Api
from kedge.cli.databases import REDIS, app_of, on_database, show_facts, tell_rotation
from kedge.cli.options import json_option, wait_option
from kedge.cli.screen import doing, heading, paint, say, show_json

POLICIES = ("noeviction", "allkeys-lfu", "volatile-lfu", "allkeys-lru", "volatile-lru",
            "allkeys-random", "volatile-random", "volatile-ttl")  # fmt: skip


@click.command("redis:info")
@on_database(REDIS)
@json_option
def info(api: Api, addon: dict[str, Any], as_json: bool) -> None:
    """Show a Redis instance: its plan, state, memory, connections and settings."""
    told = api.get(f"/redis/v0/databases/{addon['id']}")
    if as_json:
        show_json({name: value for name, value in told.items() if name != "resource_url"})
        return
    heading(paint(addon["name"], "cyan", bold=True))
    show_facts([(each["name"], ", ".join(each["values"])) for each in told["info"]])


@click.command("redis:credentials:rotate")
@on_database(REDIS)
@wait_option
def rotate(api: Api, addon: dict[str, Any], wait: bool) -> None:
    """Give a Redis instance another user and password; its apps are released with them."""
    app = app_of(api, addon)
    before = provisioning.newest_version(app)
    with doing(f"Rotating the credentials of {addon['name']}"):
        api.post(f"/redis/v0/databases/{addon['id']}/credentials_rotation", {})
    say("done")
    tell_rotation(app, before, wait=wait)


@click.command("redis:maxmemory")
@on_database(REDIS)
@click.option("-p", "--policy", required=True, type=click.Choice(POLICIES),
              help="What happens to keys when the memory is full.")  # fmt: skip
def maxmemory(api: Api, addon: dict[str, Any], policy: str) -> None:
    """Choose what a Redis instance does when its memory is full."""
    _change(api, addon, {"maxmemory_policy": policy})
    say(f"{addon['name']}: {policy} when the memory is full.")


@click.command("redis:timeout")
@on_database(REDIS)
@click.option("-s", "--seconds", required=True, type=click.IntRange(0),
              help="0: idle connections are left alone.")  # fmt: skip
def timeout(api: Api, addon: dict[str, Any], seconds: int) -> None:
    """Choose when a Redis instance ends idle connections."""
    _change(api, addon, {"timeout": seconds})
    say(f"{addon['name']}: idle connections end after {seconds} s." if seconds
        else f"{addon['name']}: idle connections are left alone.")  # fmt: skip


def _change(api: Api, addon: dict[str, Any], changes: dict[str, Any]) -> None:
    with doing(f"Changing {addon['name']}"):
        api.patch(f"/redis/v0/databases/{addon['id']}/config", changes)
    say("done")
