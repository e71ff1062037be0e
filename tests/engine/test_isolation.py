"""What a dyno can reach, tried from inside of one."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from contract.lab import REAL_COMMANDS, Lab, free_port, wait_until
from kedge.engine.docker.client import Engine
from kedge.engine.docker.host import HostThroughContainer
from kedge.engine.docker.site import Site
from kedge.settings import Settings

pytestmark = pytest.mark.docker

PROBE = """
import errno, json, os, socket
def tried(host, port, kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.settimeout(3 if kind == socket.SOCK_STREAM else 0.5)
        try:
            s.connect((host, port))
            s.sendall(b"hello")
            return "reached" if s.recv(5) == b"hello" else "closed"
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, "timeout")
kinds = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
targets = json.loads(os.environ["TARGETS"])
print(json.dumps({n: tried(h, p, kinds[k]) for n, (h, p, k) in targets.items()}))
"""
ECHO = """
import socket
listener = socket.create_server(("0.0.0.0", 7777))
while True:
    peer, _ = listener.accept()
    peer.sendall(peer.recv(5))
    peer.close()
"""


@contextmanager
def addon_server(engine: Engine, settings: Settings, network: str, addon_id: UUID) -> Iterator[str]:
    """An add-on's server of two ports, answering on 7777 as `store-clear-1`; its container."""
    api = engine.api
    made = api.create_container(
        settings.stack_run_image,
        ["python3", "-c", ECHO],
        host_config=api.create_host_config(network_mode=network),
        networking_config=api.create_networking_config(
            {network: api.create_endpoint_config(aliases=["store-clear-1"])}
        ),
        labels={
            "kedge.home": engine.installation,
            "kedge.kind": "addon",
            "kedge.addon": str(addon_id),
            "kedge.port": "6666,7777",
        },
    )["Id"]
    try:
        api.start(made)
        networks = api.inspect_container(made)["NetworkSettings"]["Networks"]
        wait_until(lambda: _answers(networks[network]["IPAddress"], 7777))
        yield made
    finally:
        api.remove_container(made, force=True)


@contextmanager
def echo_service(port: int) -> Iterator[None]:
    """A TCP and a UDP service on every address of the host."""

    def serve_tcp(listener: socket.socket) -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with closing(peer):
                peer.sendall(peer.recv(5))

    def serve_udp(listener: socket.socket) -> None:
        while True:
            try:
                payload, peer = listener.recvfrom(5)
                listener.sendto(payload, peer)
            except OSError:
                return

    tcp = socket.create_server(("0.0.0.0", port))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("0.0.0.0", port))
    for serve, listener in ((serve_tcp, tcp), (serve_udp, udp)):
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
    try:
        yield
    finally:
        for listener in (tcp, udp):
            listener.close()


@contextmanager
def outside_machine() -> Iterator[str | None]:
    """A machine beyond the host that echoes on port 7777; None where it cannot be made."""
    name, address = f"kt{os.getpid()}", "198.51.100.2"
    if os.geteuid() != 0 or not shutil.which("ip"):
        yield None
        return
    commands = (
        f"ip netns add {name}",
        f"ip link add {name}h type veth peer name {name}n netns {name}",
        f"ip addr add 198.51.100.1/30 dev {name}h",
        f"ip link set {name}h up",
        f"ip -n {name} addr add {address}/30 dev {name}n",
        f"ip -n {name} link set {name}n up",
    )
    for command in commands:
        subprocess.run(command.split(), check=True)
    inside = ["nsenter", f"--net=/var/run/netns/{name}", sys.executable, "-c", ECHO]
    server = subprocess.Popen(inside)
    try:
        wait_until(lambda: _answers(address, 7777))
        yield address
    finally:
        server.kill()
        server.wait()
        subprocess.run(["ip", "link", "del", f"{name}h"], check=False)
        subprocess.run(["ip", "netns", "del", name], check=True)


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), 1):
            return True
    except OSError:
        return False


def host_addresses() -> list[str]:
    """The host's own IPv4 addresses but loopback."""
    listed = subprocess.run(["ip", "-j", "-4", "addr"], capture_output=True, check=True)
    links = json.loads(listed.stdout)
    found = [entry["local"] for link in links for entry in link["addr_info"]]
    return [address for address in found if not address.startswith("127.")]


def probe(
    lab: Lab, targets: dict[str, tuple[str, int, str]], dyno_id: UUID | None = None
) -> dict[str, str]:
    """What a dyno gets that tries to reach these."""
    named = {"dyno_id": dyno_id} if dyno_id else {}
    env = {"TARGETS": json.dumps(targets)}
    runtime_id = lab.run(f"python3 -c '{PROBE}'", env=env, **named)
    (said,) = [line.text for line in lab.runtime.output(runtime_id, since_ns=0, follow=True)]
    lab.runtime.remove(runtime_id)
    found: dict[str, str] = json.loads(said)
    return found


@pytest.fixture(scope="module")
def reached(docker_home: tuple[Settings, str], docker_runtime: Any) -> Iterator[dict[str, str]]:
    """Everything tried at once by one dyno, by what was tried."""
    settings, _ = docker_home
    runtime, slugs = docker_runtime
    lab = Lab(runtime, slugs, REAL_COMMANDS)
    port = free_port()
    with ExitStack() as stack:
        for each in (port, settings.http_port, settings.https_port):
            stack.enter_context(echo_service(each))
        outside = stack.enter_context(outside_machine())
        other = lab.run(f"python3 -c '{ECHO}'")
        wait_until(lambda: runtime.listening(other))
        address = runtime.container(other).address
        gateway = str(runtime.site.ensure().gateway)
        targets = {
            "other dyno": (address, 7777, "tcp"),
            "other dyno by udp": (address, 7777, "udp"),
            "metadata": ("169.254.169.254", 80, "tcp"),
            "http": (gateway, settings.http_port, "tcp"),
            "https": (gateway, settings.https_port, "tcp"),
            "router by udp": (gateway, settings.http_port, "udp"),
            **{f"host tcp {host}": (host, port, "tcp") for host in host_addresses()},
            **{f"host udp {host}": (host, port, "udp") for host in host_addresses()},
        }
        if outside:
            targets["outside"] = (outside, 7777, "tcp")
        assert _answers(address, 7777), "the router must reach dynos"
        yield probe(lab, targets)
    for runtime_id in lab.made:
        runtime.remove(runtime_id)


class TestReach:
    def test_router_ports(self, reached: dict[str, str]):
        """The router's two ports are reachable."""
        assert (reached["http"], reached["https"]) == ("reached", "reached")

    def test_host_services(self, reached: dict[str, str]):
        """A service on all addresses of the host is refused on each of them, by TCP and UDP."""
        by_tcp = {how for name, how in reached.items() if name.startswith("host tcp ")}
        by_udp = {how for name, how in reached.items() if name.startswith("host udp ")}

        assert by_tcp == {"ECONNREFUSED"}
        # The kernel does not answer every refused datagram.
        assert by_udp <= {"ECONNREFUSED", "timeout"}

    def test_router_ports_by_tcp_alone(self, reached: dict[str, str]):
        """The router's port numbers are open by TCP, not by UDP."""
        assert reached["router by udp"] in {"ECONNREFUSED", "timeout"}

    def test_other_dynos(self, reached: dict[str, str]):
        """No other dyno is reachable."""
        assert reached["other dyno"] == "ECONNREFUSED"
        assert reached["other dyno by udp"] in {"ECONNREFUSED", "timeout"}

    def test_link_local(self, reached: dict[str, str]):
        """The cloud's metadata address is refused."""
        assert reached["metadata"] == "ECONNREFUSED"

    def test_outside(self, reached: dict[str, str]):
        """Machines beyond the host are reachable."""
        if "outside" not in reached:
            pytest.skip("a machine beyond the host cannot be made here")
        assert reached["outside"] == "reached"


class TestSite:
    def test_published_ports_of_other_containers(self, docker_lab: Lab, docker_home: Any):
        """A port some other container publishes on the host is refused."""
        settings, installation = docker_home
        api = Engine(settings.docker_host, installation).api
        port = free_port()
        config = api.create_host_config(port_bindings={7777: port})
        made = api.create_container(
            settings.stack_run_image,
            ["python3", "-c", ECHO],
            ports=[7777],
            host_config=config,
            labels={"kedge.home": installation},
        )["Id"]
        try:
            api.start(made)
            wait_until(lambda: _answers("127.0.0.1", port))
            targets = {host: (host, port, "tcp") for host in host_addresses()}
            assert set(probe(docker_lab, targets).values()) == {"ECONNREFUSED"}
        finally:
            api.remove_container(made, force=True)

    def test_put_back_when_lost(self, docker_runtime: Any, docker_home: Any):
        """Rules that somebody flushed are noticed and put back."""
        runtime, _ = docker_runtime
        _, installation = docker_home
        if os.geteuid() != 0:
            pytest.skip("flushing rules needs root")
        runtime.tend()
        subprocess.run(["iptables", "-w", "5", "-F", f"KEDGE-{installation}-IN"], check=True)
        assert runtime.site.check() == [f"chain KEDGE-{installation}-IN is missing or was changed"]
        runtime.site.ensure(look=True)

        assert runtime.site.check() == []

    def test_ways_to_add_ons(self, docker_lab: Lab, docker_runtime: Any, docker_home: Any):
        """A dyno let to an add-on reaches its port by name from its first moment; no other does."""
        runtime, _ = docker_runtime
        settings, installation = docker_home
        engine = Engine(settings.docker_host, installation)
        addon_id, let, other = uuid4(), uuid4(), uuid4()
        target = {"add-on": ("store-clear-1", 7777, "tcp")}
        with addon_server(engine, settings, runtime.site.ensure().name, addon_id):
            runtime.let_reach({let: frozenset({addon_id}), other: frozenset({uuid4()})})
            Site(engine, settings).ensure()  # another process keeps the fence

            assert probe(docker_lab, target, dyno_id=let) == {"add-on": "reached"}
            assert probe(docker_lab, target, dyno_id=other) == {"add-on": "ECONNREFUSED"}
            assert probe(docker_lab, target) == {"add-on": "ECONNREFUSED"}
            runtime.let_reach({})
            assert probe(docker_lab, target, dyno_id=let) == {"add-on": "ECONNREFUSED"}

    def test_add_ons_reach_nobody(self, docker_lab: Lab, docker_runtime: Any, docker_home: Any):
        """An add-on's server reaches neither dynos nor the host, also where dynos reach it."""
        runtime, _ = docker_runtime
        settings, installation = docker_home
        engine = Engine(settings.docker_host, installation)
        addon_id, dyno_id = uuid4(), uuid4()
        network = runtime.site.ensure()
        with addon_server(engine, settings, network.name, addon_id) as container:
            runtime.let_reach({dyno_id: frozenset({addon_id})})
            dyno = docker_lab.run("serve", dyno_id=dyno_id)
            address = docker_lab.runtime.container(dyno).address
            port = settings.https_port + 1 if settings.https_port < 65000 else 1024
            targets = {"dyno": (address, 5000, "tcp"), "host": (str(network.gateway), port, "tcp")}
            made = engine.api.exec_create(
                container, ["python3", "-c", PROBE], environment={"TARGETS": json.dumps(targets)}
            )
            with echo_service(port):
                found = json.loads(engine.api.exec_start(made["Id"]))
            runtime.let_reach({})

        assert found == {"dyno": "ECONNREFUSED", "host": "ECONNREFUSED"}

    def test_two_installations(self, docker_runtime: Any, docker_home: Any):
        """Two installations have ranges and firewalls of their own; one goes, the other stays."""
        runtime, _ = docker_runtime
        settings, installation = docker_home
        runtime.tend()
        other = Site(Engine(settings.docker_host, installation[::-1]), settings)
        try:
            assert not other.ensure().subnet.overlaps(runtime.site.ensure().subnet)
            assert (other.check(), runtime.site.check()) == ([], [])
        finally:
            other.remove()

        assert other.check() == ["the dyno network is missing"]
        assert runtime.site.check() == []

    def test_adopted(self, docker_runtime: Any, docker_home: Any):
        """Another process of the installation finds the network that is there."""
        runtime, _ = docker_runtime
        settings, installation = docker_home

        assert Site(Engine(settings.docker_host, installation), settings).ensure() == (
            runtime.site.ensure()
        )

    def test_rules_through_a_container(self, docker_home: Any):
        """Without root, the host's iptables is reached through a container."""
        settings, installation = docker_home
        host = HostThroughContainer(
            Engine(settings.docker_host, installation), settings.stack_run_image
        )

        assert "-P INPUT" in host.run(["iptables", "-w", "5", "-S"])
        assert host.run(["cat"], "given") == "given"
