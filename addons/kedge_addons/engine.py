"""The Docker engine: one client for all, and errors in words."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
import requests.exceptions
import urllib3.exceptions
from docker import APIClient
from docker.utils import kwargs_from_env

from kedge_addons.errors import Away

CALL_SECONDS = 60
POOLED_CONNECTIONS = 16
_AWAY = (
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    docker.errors.DockerException,
    OSError,
)


class Engine:
    """The engine whose containers, networks and volumes with our label are ours."""

    def __init__(self, docker_host: str, installation: str) -> None:
        self.installation = installation
        self._docker_host = docker_host
        self._made: APIClient | None = None
        self._making = threading.Lock()

    @property
    def api(self) -> APIClient:
        """The client, made at the first call. Raises Away."""
        with self._making:
            if self._made is None:
                with translated("be reached"):
                    self._made = self._connect()
            return self._made

    def _connect(self) -> APIClient:
        environ = dict(os.environ)
        if self._docker_host:
            environ["DOCKER_HOST"] = self._docker_host
        return APIClient(version="auto", timeout=CALL_SECONDS,
                         max_pool_size=POOLED_CONNECTIONS, **kwargs_from_env(environ))  # fmt: skip


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what the SDK raises into Away; who expects "not found" catches it inside."""
    try:
        yield
    except docker.errors.APIError as error:
        raise Away(f"The Docker engine could not {doing}: {error.explanation or error}") from error
    except _AWAY as error:
        raise Away(f"The Docker engine does not answer (it could not {doing}).") from error


def is_status(error: docker.errors.APIError, *statuses: int) -> bool:
    """Whether the engine answered with one of these HTTP statuses."""
    return error.response is not None and error.response.status_code in statuses
