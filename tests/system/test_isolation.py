"""What a dyno and a build can reach, tried from inside of them through the platform's own doors."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from system.installation import HELLO, wait_until
from system.uploads import hooked

pytestmark = [pytest.mark.docker, pytest.mark.slow]
PROBE = """
import json, os, socket, sys
def tried(host, port):
    try:
        with socket.create_connection((host, port), timeout=2) as connection:
            connection.settimeout(2)
            connection.sendall(b"GET / HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n")
            return "reached"
    except OSError as error:
        return type(error).__name__
targets = json.loads(os.environ["TARGETS"])
found = {name: tried(*target) for name, target in targets.items()}
sockets = [p for p in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(p)]
print("FOUND " + json.dumps({**found, "sockets": sockets, "uid": os.getuid()}))
"""


@pytest.fixture
def service():
    """A service of the host on all its addresses; its port."""
    with socket.create_server(("0.0.0.0", 0)) as listener:
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def _serve(listener):
    while True:
        try:
            listener.accept()[0].close()
        except OSError:
            return


def test_dynos_and_builds_reach_the_router_and_nothing_else_inside(new_app, service):
    """Host services, other dynos, metadata addresses and engine sockets are out of reach.

    The router's two ports are reached at the host's address; so is the outside, where there is one.
    """
    neighbour = new_app()
    neighbour.push()
    platform = neighbour.platform
    container = wait_until(lambda: platform.containers(app=neighbour.name, kind="dyno"))[0]
    network = next(iter(container.attrs["NetworkSettings"]["Networks"].values()))
    gateway, dyno = network["Gateway"], network["IPAddress"]
    port = int(next(
        word.removeprefix("PORT=") for word in container.attrs["Config"]["Env"]
        if word.startswith("PORT=")
    ))  # fmt: skip
    allowed = {
        "router http": (gateway, platform.http_port),
        "router https": (gateway, platform.https_port),
    }
    forbidden = {
        "another dyno": (dyno, port),
        "host by gateway": (gateway, service),
        "host by address": (own_address(), service),
        "metadata": ("169.254.169.254", 80),
        "ssh of the host": (gateway, 22),
        "engine over tcp": (gateway, 2375),
    }
    files = hooked("python3 probe.py\n", {**HELLO, "probe.py": PROBE})
    app = new_app(files)
    app.kedge("config:set", f"TARGETS={json.dumps({**allowed, **forbidden})}")
    from_build = found_in(app.push())
    from_dyno = found_in(app.kedge("run", "--", "python3", "probe.py").stdout)
    for found in (from_build, from_dyno):
        assert {name: found[name] for name in allowed} == dict.fromkeys(allowed, "reached")
        assert {name: found[name] for name in forbidden if found[name] == "reached"} == {}
        assert found["sockets"] == []
        assert found["uid"] != 0


def found_in(text):
    """What the probe printed."""
    line = next(line for line in text.splitlines() if "FOUND " in line)
    return json.loads(line.partition("FOUND ")[2].strip())


def own_address():
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]
