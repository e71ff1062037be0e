"""`kedge uninstall` of a platform that was used."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from kedge.engine.docker import network, traces
from kedge.engine.docker.client import Engine
from system.installation import HELLO, Installation, wait_until

pytestmark = pytest.mark.docker


@pytest.fixture
def doomed():
    """A platform of its own, which the test removes."""
    made = Installation(Path(tempfile.mkdtemp(prefix="kdg-")), {"KEDGE_KILL_SECONDS": "2"})
    try:
        made.up()
        yield made
    finally:
        made.destroy()


def uninstall(platform: Installation, *options: str) -> str:
    """`kedge uninstall`, confirmed; what it said."""
    done = platform.kedge("uninstall", "--confirm", str(platform.home), *options)
    return done.stdout + done.stderr


def left_on(engine: Engine) -> bool:
    """Whether there is anything of an installation on its engine."""
    found = traces.find(engine)
    return bool(found.containers or found.images or found.volumes or network.find(engine))


def test_a_platform_that_was_used(platform, app, doomed, tmp_path):
    """Data kept, the next start serves the same release; then nothing is left, and others serve."""
    ours = doomed.app(HELLO, tmp_path, "shop")
    ours.push()
    engine = Engine("", doomed.id)

    assert "Kept: " in uninstall(doomed, "--keep-data")
    assert not left_on(engine)
    doomed.up()
    assert wait_until(lambda: "Hello one" in ours.get().text, 40, "the app is back")
    assert ours.head() == 3

    said = uninstall(doomed)
    assert "1 slug image" in said
    assert not left_on(engine)
    assert not doomed.home.exists()
    listed = subprocess.run(
        ["iptables", "-w", "5", "-S"], capture_output=True, text=True, check=True
    )
    assert engine.installation not in listed.stdout
    assert "Hello one" in app.get().text
