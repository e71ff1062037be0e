"""A Docker engine that says no: told apart from one that is away, and asked for what it has."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from docker.errors import APIError

from contract.lab import Lab
from kedge.engine.docker.client import translated
from kedge.errors import EngineRefused, RuntimeDown


def answered(status: int, words: str) -> APIError:
    response = requests.Response()
    response.status_code = status
    return APIError("no", response=response, explanation=words)


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (400, "Range of CPUs is from 0.01 to 2.00", EngineRefused),
        (409, "container is marked for removal and cannot be started", EngineRefused),
        (500, "OCI runtime create failed: argument list too long", EngineRefused),
        (404, "No such container", RuntimeDown),
        (500, "grpc: the client connection is closing: unknown", RuntimeDown),
        (503, "This node is not a swarm manager", RuntimeDown),
    ],
)
def test_an_answer_of_no_is_a_refusal(status: int, words: str, kind: type[Exception]):
    """What is answered with a no is refused; what is gone or restarting may be asked again."""
    with pytest.raises(kind, match=words[:12]), translated("start a dyno", refusable=True):
        raise answered(status, words)


@pytest.mark.docker
class TestTheRealEngine:
    def test_gives_no_more_processors_than_it_has(self, docker_lab: Lab):
        """A size with more processors than the host gets all there are, and runs."""
        runtime_id = docker_lab.run("hang", cpus=512.0)
        engine: Any = docker_lab.runtime
        limits = engine._engine.api.inspect_container(runtime_id)["HostConfig"]
        assert limits["NanoCpus"] == engine._engine.processors() * 1_000_000_000
        assert docker_lab.status(runtime_id) == "running"

    def test_refuses_to_make_in_words(self, docker_lab: Lab):
        """A limit the engine does not take is a refusal at once, with the engine's own words."""
        with pytest.raises(EngineRefused, match=r"[Mm]emory"):
            docker_lab.create("hang", memory_mb=1)
