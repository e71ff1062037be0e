"""`python -m kedge.home.nursery`: supervisord with the parts' libraries already in memory.

Four parts with a copy each of the same libraries take 70 MB more than four that were forked from
here and share the pages nobody writes to (measured, with one app: 480 MB against 408). Only
libraries are loaded ahead: a part that is started again has Kedge's own code fresh from the disk.
What is no Python program (PostgreSQL, Redis, HAProxy) is executed as supervisord does it.
"""

from __future__ import annotations

import gc
import importlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from supervisor import supervisord
from supervisor.options import ServerOptions

from kedge.home import program, supervision

# What at least two parts load anyway. None of them starts a thread or opens anything.
LIBRARIES = (
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.thread",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.x509",
    "docker",
    "flask",
    "git",
    "gunicorn.app.wsgiapp",
    "gunicorn.arbiter",
    "gunicorn.workers.gthread",
    "httpcore",
    "httpx",
    "kombu.transport.redis",
    "psycopg",
    "psycopg_pool",
    "redis",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.orm",
    "structlog",
)


class Options(ServerOptions):  # type: ignore[misc] # it comes without types
    """supervisord's doings, of which one is done otherwise."""

    def execve(self, filename: str, argv: list[str], env: Mapping[str, str]) -> NoReturn:
        """Become the part, in a child just forked: a Python program here, all else by exec."""
        if filename == supervision.SHELL:
            ready_file, line = supervision.read_script(Path(argv[1]))
            if found := program.find(line, env):
                ready_file.unlink(missing_ok=True)
                program.become(found, env)
        os.execve(filename, argv, env)  # noqa: S606 - the supervisor's own work


def preload() -> None:
    """Load the libraries, and set them apart from what the collector looks through.

    A collection writes to every object it looks at, and with that ends the sharing of its page.
    """
    gc.disable()
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    gc.enable()
    if threading.active_count() > 1:  # it would be missing in every child
        names = ", ".join(thread.name for thread in threading.enumerate())
        raise RuntimeError(f"A library started a thread when it was loaded: {names}")


def main() -> None:
    """Be supervisord."""
    preload()
    supervisord.ServerOptions = Options
    supervisord.main()


if __name__ == "__main__":
    main()
