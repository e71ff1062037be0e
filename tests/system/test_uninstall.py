"""`kedge uninstall` of a platform that was used."""

from __future__ import annotations

import pytest

import memory
from kedge.engine.docker import network, traces
from kedge.engine.docker.client import Engine
from kedge.engine.docker.firewall import host_of_old
from system.installation import HELLO, Installation, wait_until

pytestmark = pytest.mark.docker
RUN_IMAGE = "kedge/run:kedge-13"


@pytest.fixture
def doomed():
    """A platform of its own, which the test removes."""
    made = Installation(memory.folder("kdg-"), {"KEDGE_KILL_SECONDS": "2"})
    try:
        made.up()
        yield made
    finally:
        made.destroy()


def uninstall(platform: Installation, *options: str) -> str:
    """`kedge uninstall`, confirmed; what it said."""
    done = platform.kedge("uninstall", "--confirm", str(platform.home), *options)
    return done.stdout + done.stderr


def left_on(engine: Engine) -> list[traces.Volume]:
    """The volumes of an installation of which nothing else is on its engine."""
    found = traces.find(engine)
    assert not found.containers
    assert not found.images
    assert not network.find(engine)
    return list(found.volumes)


def firewall_of(engine: Engine) -> str:
    """The rules on the engine's host, which only a container may see for who is not root."""
    host = host_of_old(engine, RUN_IMAGE)
    assert host is not None
    return host.run(["iptables", "-w", "5", "-S"])


def servers(platform: Installation) -> list[str]:
    """The states of the servers of add-ons."""
    return [each.status for each in platform.containers(kind="addon")]


def test_a_platform_that_was_used(platform, standing_app, doomed, tmp_path):
    """Data kept, the next start serves the same release and the add-on; then nothing is left.

    Other installations serve on.
    """
    ours = doomed.app(HELLO, tmp_path, "shop")
    ours.push()
    ours.kedge("addons:create", "heroku-redis")
    assert servers(doomed) == ["running"]
    engine = Engine("", doomed.id)

    assert "1 volume of add-ons" in uninstall(doomed, "--keep-data")
    (kept,) = left_on(engine)
    assert kept.is_data
    doomed.up()
    assert wait_until(lambda: "Hello one" in ours.get().text, 40, "the app is back")
    assert ours.head() == 4
    wait_until(lambda: servers(doomed) == ["running"], 60, "the add-on is back")
    assert data_of(engine) == [kept]

    said = uninstall(doomed)
    assert "1 slug image" in said
    assert "1 volume of add-ons" in said
    assert left_on(engine) == []
    assert not doomed.home.exists()
    assert engine.installation not in firewall_of(engine)
    assert "Hello one" in standing_app.get().text


def data_of(engine: Engine) -> list[traces.Volume]:
    """The volumes of add-ons."""
    return [each for each in traces.find(engine).volumes if each.is_data]
