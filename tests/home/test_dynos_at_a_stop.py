"""What `kedge down` does to dynos, with containers that stand for them."""

from __future__ import annotations

import subprocess

import pytest

pytestmark = [pytest.mark.postgres, pytest.mark.docker]


def docker(*words):
    """Run the Docker command line."""
    return subprocess.check_output(["docker", *words], text=True).strip()


@pytest.fixture
def container():
    """Starts containers with the labels given, and removes them at the end."""
    made = []

    def start(**labels):
        options = [
            option for key, value in labels.items() for option in ("--label", f"{key}={value}")
        ]
        labelled = [option.replace("kedge_", "kedge.") for option in options]
        image = ["kedge/run:kedge-13", "sleep", "1000"]
        made.append(docker("run", "--detach", "--network", "none", *labelled, *image))
        return made[-1]

    yield start
    if made:
        docker("rm", "--force", *made)


def runs(container_id):
    """Whether the container runs."""
    return docker("inspect", "--format", "{{.State.Running}}", container_id) == "true"


def test_dynos_stay_unless_they_are_to_stop(home, container):
    """`down` leaves dynos alone; `down --stop-dynos` stops those of this home, and no others."""
    home.processes(worker=home.WORKER)
    home.up(KEDGE_KILL_SECONDS="1")
    own = {"kedge_home": home.installation.id, "kedge_kind": "dyno"}
    dyno, other = container(**own), container(**own | {"kedge_home": "another"})
    home.down()
    assert runs(dyno)
    assert home.run("down", "--stop-dynos").returncode == 0
    assert not runs(dyno)
    assert runs(other)


def test_dynos_stop_with_a_kedge_that_is_told_to(home, container):
    """With KEDGE_STOP_DYNOS, or `--stop-dynos` while it runs, the dynos end with Kedge itself."""
    home.processes(worker=home.WORKER)
    home.up(KEDGE_KILL_SECONDS="1", KEDGE_STOP_DYNOS="1")
    dyno = container(kedge_home=home.installation.id, kedge_kind="dyno")
    home.down()
    assert not runs(dyno)
