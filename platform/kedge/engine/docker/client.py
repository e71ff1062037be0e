"""The Docker engine of one installation: a client made when first needed, errors in words."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
import requests.exceptions
import urllib3.exceptions
from docker import APIClient
from docker.utils import kwargs_from_env

from kedge.errors import EngineRefused, KedgeError, RuntimeDown

# No call may hang for ever; starting a container on a busy disk may well take a minute.
CALL_SECONDS = 60
# Loading a slug of some hundred MB on a throttled disk.
LOAD_SECONDS = 600
POOLED_CONNECTIONS = 16

# What the SDK raises when the engine is away, slow, or hangs up half-way.
AWAY = (
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    docker.errors.DockerException,
    OSError,
)
# How the engine says no to what it was asked, as Docker's API documents for create and start;
# "not found" is not among them, since what is gone can be made again.
REFUSALS = frozenset({400, 403, 409, 500})
# What a 500 says while the engine itself, or containerd below it, is being restarted.
RESTARTING = re.compile(
    "transport is closing|connection is closing|connection refused|connection reset|ttrpc: closed"
    "|context canceled|context deadline exceeded|connection error|shutting down|Unavailable",
    re.IGNORECASE,
)


class Engine:
    """A Docker engine, and the installation whose containers on it are ours."""

    def __init__(self, docker_host: str, installation: str) -> None:
        self.installation = installation
        self._docker_host = docker_host
        self._api: APIClient | None = None
        self._making = threading.Lock()
        self._processors = 0

    @property
    def api(self) -> APIClient:
        """The client, made at the first call. Raises RuntimeDown."""
        with self._making:
            if self._api is None:
                with translated("reach the Docker engine"):
                    self._api = self._connect()
            return self._api

    def processors(self) -> int:
        """How many processors the engine's host has; asked once. Raises RuntimeDown."""
        if self._processors == 0:
            with translated("say how many processors it has"):
                self._processors = int(self.api.info()["NCPU"])
        return self._processors

    def stream_url(self, path: str) -> str:
        """The address of an API call the SDK has no exact method for."""
        return f"{self.api.base_url}/v{self.api.api_version}{path}"

    def _connect(self) -> APIClient:
        environ = dict(os.environ)
        if self._docker_host:
            environ["DOCKER_HOST"] = self._docker_host
        return APIClient(
            version="auto",
            timeout=CALL_SECONDS,
            max_pool_size=POOLED_CONNECTIONS,
            **kwargs_from_env(environ),
        )


@contextmanager
def translated(doing: str, *, refusable: bool = False) -> Iterator[None]:
    """Turn whatever the SDK raises into a RuntimeDown that says what could not be done.

    With `refusable` an engine that answers and says no raises EngineRefused instead. Callers who
    expect "not found" or "conflict" catch `docker.errors.APIError` inside.
    """
    try:
        yield
    except docker.errors.APIError as error:
        reason = str(error.explanation or error)
        kind: type[KedgeError] = RuntimeDown
        if refusable and status_of(error) in REFUSALS and not RESTARTING.search(reason):
            kind = EngineRefused
        raise kind(f"Docker could not {doing}: {reason}") from error
    except AWAY as error:
        raise RuntimeDown(
            f"Docker does not answer (could not {doing}). Dynos that run go on serving. "
            "Check on the server that the engine is up: `docker info`, `systemctl status docker`."
        ) from error


def status_of(error: docker.errors.APIError) -> int:
    """The HTTP status of an error the engine answered with; 0 when there is none."""
    return error.response.status_code if error.response is not None else 0
