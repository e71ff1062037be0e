"""The compose file runs what the Procfile and `kedge up` run, and no more rights than it takes."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import pytest

from compose.composition import compose_program
from kedge.errors import StartRefused
from kedge.home import alone, installation, parts, procfile
from kedge.settings import describe, load
from system.installation import free_ports

COMPOSE = Path(__file__).resolve().parents[2] / "docker-compose.yml"
# Fixed by the file, or without a meaning there: dynos outlive containers of the platform.
NOT_PASSED_ON = {"DOCKER_HOST", "KEDGE_STOP_DYNOS"}


@pytest.fixture(scope="module")
def services():
    """The services as compose understands them, anchors and merges resolved."""
    # YAML's own reader comes with the distribution's compose, not with our packages.
    script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))"
    read = subprocess.run(
        ["/usr/bin/python3", "-c", script, str(COMPOSE)], capture_output=True, text=True, check=True
    )
    return json.loads(read.stdout)["services"]


def test_every_part_is_a_service(services):
    """Each process of the Procfile, and each server that comes with them, has a container."""
    found = installation.Installation(load({"KEDGE_HOME": "/nowhere"}), "0" * 12)
    every = parts.of(found, procfile.read(procfile.OWN))
    names = {part.name for part in every if part.command is not None} | {"release"}
    commands = {name: service["command"] for name, service in services.items()}
    around = {"home": ["prepare"], "certificates": ["certificates"]}
    assert commands == around | {name: ["part", name] for name in names}


def test_every_setting_is_passed_on(services):
    """What docs/settings.md names can be set in the shell or in `.env`, and nothing else."""
    known = {variable for variable, _, _ in describe()} - NOT_PASSED_ON
    assert set(services["web"]["environment"]) == known


def test_the_engine_is_reached_by_those_alone_that_need_it(services):
    """Whoever has the engine's socket owns the machine: builds, dynos, and what prepares them."""
    having = {name for name, one in services.items() if "docker.sock" in json.dumps(one["volumes"])}
    assert having == {"home", "worker", "dynos", "addons"}


def test_only_services_that_must_are_in_the_network_of_the_host(services):
    """The router's ports and dynos' addresses are there; all else has sockets on a volume."""
    there = {name for name, one in services.items() if one.get("network_mode") == "host"}
    assert there == {"home", "haproxy", "worker", "dynos"}


def test_every_service_that_goes_on_says_how_it_is(services):
    """What Docker starts again tells its health; what runs once is judged by its exit status."""
    seen = {name for name, service in services.items() if "healthcheck" in service}
    assert seen == set(services) - {"home", "release"}
    for service in seen:
        told = services[service]["healthcheck"]
        assert told["test"][0] in {"CMD", "CMD-SHELL"}
        assert (told["interval"], told["retries"]) == ("30s", 3)


def test_every_service_says_what_it_waits_for(services):
    """All wait for the home; what works with the database waits for its newest form."""
    waiting = {
        name: {on: how["condition"] for on, how in service["depends_on"].items()}
        for name, service in services.items()
        if name != "home"
    }
    done = "service_completed_successfully"
    started = dict.fromkeys(("postgres", "redis"), "service_started")
    with_database = {"web", "worker", "clock", "dynos"} | ({"addons"} & set(services))
    assert waiting.pop("release") == {"home": done, **started}
    for name, conditions in waiting.items():
        assert conditions == {"release" if name in with_database else "home": done}, name


@pytest.mark.docker
def test_compose_understands_the_file():
    """The distribution's compose takes every key."""
    program = compose_program()
    done = subprocess.run(
        [*program, "-f", str(COMPOSE), "config", "-q"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_part_is_not_ready_from_its_life_before(tmp_path):
    """What a part touched when it was ready is taken away before it starts again."""
    found = installation.Installation(load({"KEDGE_HOME": str(tmp_path)}), "0" * 12)
    found.run_dir.mkdir()
    found.ready_file("none").touch()
    with pytest.raises(StartRefused, match="no part none"):
        alone.run(found, "none")
    assert not found.ready_file("none").exists()


def test_an_unknown_part_is_refused_with_those_there_are():
    """A wrong name is answered with the right ones."""
    found = installation.Installation(load({"KEDGE_HOME": "/nowhere"}), "0" * 12)
    with pytest.raises(StartRefused, match=r"There is no part webb.\n.*web, worker.*haproxy"):
        alone.run(found, "webb")


@pytest.mark.docker
def test_nothing_is_prepared_without_the_images_apps_run_in(tmp_path):
    """Containers of the platform come from an image; those of apps from two more."""
    settings = load({"KEDGE_HOME": str(tmp_path), "KEDGE_STACK_BUILD_IMAGE": "kedge/none:1"})
    with pytest.raises(StartRefused, match=r"no image kedge/none:1.*\n.*make stack"):
        alone.prepare(installation.Installation(settings, "0" * 12))


def test_a_taken_port_is_refused_before_haproxy_shares_it():
    """HAProxy would listen beside another HAProxy, and each would get half of the requests."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        values = {"KEDGE_HTTP_PORT": str(taken), "KEDGE_HTTPS_PORT": str(free_ports(1)[0])}
        settings = load({"KEDGE_HOME": "/nowhere", **values})
        with pytest.raises(StartRefused, match=f"Port {taken} is taken"):
            alone.run(installation.Installation(settings, "0" * 12), "haproxy")
