"""The built-in providers as a process would run them, on a throw-away PostgreSQL and a real engine.

Each test module has an installation of its own: its dyno network, its containers, its volumes.
"""

import base64
import os
import uuid
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network

import docker
import pytest

from addons.side import Side


@pytest.fixture(scope="module")
def installation():
    """An installation's id, with its dyno network; nothing with its label is left afterwards."""
    engine, name = docker.from_env(), uuid.uuid4().hex[:12]
    network = made_network(engine, name)
    yield name
    labels = {"label": f"kedge.home={name}"}
    for container in engine.containers.list(all=True, filters=labels, ignore_removed=True):
        with suppress(docker.errors.NotFound):
            container.remove(force=True)
    for volume in engine.volumes.list(filters=labels):
        volume.remove(force=True)
    network.remove()


def made_network(engine, installation):
    """A bridge as the platform makes it, but for its firewall, in a range nobody has."""
    taken = [
        ip_network(config["Subnet"])
        for each in engine.networks.list()
        for config in each.attrs["IPAM"].get("Config") or []
        if "." in config.get("Subnet", "")
    ]
    free = (
        each
        for each in ip_network("10.212.0.0/16").subnets(new_prefix=24)
        if not any(each.overlaps(other) for other in taken)
    )
    for subnet in free:
        pool = docker.types.IPAMPool(subnet=str(subnet), gateway=str(subnet[1]))
        with suppress(docker.errors.APIError):  # another test was quicker
            return engine.networks.create(
                f"kedge-{installation}",
                driver="bridge",
                labels={"kedge.home": installation},
                ipam=docker.types.IPAMConfig(pool_configs=[pool]),
            )
    raise AssertionError("no range is free")


@pytest.fixture(scope="module")
def addons_database(postgres):
    """The URL of a database for a module's providers."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with the providers' key."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "addons.key").write_text(base64.b64encode(os.urandom(32)).decode())
    return folder


@pytest.fixture(scope="module")
def providers(installation, addons_database, home):
    """The providers of an installation, at work; their clock ticks every second."""
    from kedge_addons import worker
    from kedge_addons.settings import Settings

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "TICK_SECONDS", 1.0)
        made = Side(Settings(home=home, installation=installation, database_url=addons_database))
        yield made
        made.close()


@pytest.fixture
def short_rest(providers):
    """The same, where what was destroyed rests for no time at all."""
    tools = providers.lifecycle.tools
    object.__setattr__(tools, "settings", replace(tools.settings, rests_days=0.0))
    yield providers
    object.__setattr__(tools, "settings", replace(tools.settings, rests_days=7.0))
