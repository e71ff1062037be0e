"""Files put into a container, and taken out of it, as streams.

Nothing is bind-mounted from this machine's disk: the control plane may itself be a container, or
on another machine than the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import docker.errors
from requests import Response

from kedge.engine.docker.client import LOAD_SECONDS, Engine, translated
from kedge.engine.docker.tarstream import CHUNK_BYTES, Member, archive, only_file


def put(engine: Engine, container: str, folder: str, members: Iterable[Member]) -> None:
    """Unpack members into a folder of a container, which need not run.

    Raises:
        RuntimeDown: the engine does not answer, or its disk is full.
    """
    with translated("copy files into a container"):
        answer = engine.api.put(
            engine.stream_url(f"/containers/{container}/archive"),
            params={"path": folder},
            data=archive(members),
            headers={"Content-Type": "application/x-tar"},
            timeout=LOAD_SECONDS,
        )
        _check(answer)


@contextmanager
def opened(engine: Engine, container: str, path: str) -> Iterator[BinaryIO]:
    """A plain file of a container, running or not.

    Raises:
        FileNotFoundError: there is no such file.
        RuntimeDown: the engine does not answer.
    """
    with translated("read a file of a container"):
        answer = engine.api.get(
            engine.stream_url(f"/containers/{container}/archive"),
            params={"path": path},
            stream=True,
            timeout=LOAD_SECONDS,
        )
    with answer:
        if answer.status_code == 404:
            raise FileNotFoundError(path)
        with translated("read a file of a container"):
            _check(answer)
        with only_file(_chunks(answer)) as file:
            yield file


def _chunks(answer: Response) -> Iterator[bytes]:
    """The body; a connection that breaks is the engine's fault, not the reader's disk's."""
    with translated("read a file of a container"):
        yield from answer.iter_content(CHUNK_BYTES)


def _check(answer: Response) -> None:
    if answer.status_code != 200:
        raise docker.errors.APIError(
            "copying files", response=answer, explanation=answer.json().get("message")
        )
