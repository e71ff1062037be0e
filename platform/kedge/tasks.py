"""The worker's tasks: ids in, nothing out. What a task does is a use case in `ops`."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from functools import cache
from typing import Any

from celery.signals import worker_init, worker_ready, worker_shutting_down

from kedge import services as bound
from kedge import settings as configuration
from kedge.engine.docker.builder import DockerBuilder
from kedge.engine.git import Repositories
from kedge.engine.queue import celery_app
from kedge.git import garbage
from kedge.home import installation as installations
from kedge.log import configure
from kedge.ops import build_queue, builds, provisioning, retention
from kedge.ops.services import Services

settings = configuration.load()
app = celery_app(settings.redis_url, concurrency=settings.build_concurrency)


@cache
def services() -> Services:
    """The worker's services, bound at their first use."""
    return bound.bind(settings)


@cache
def builder() -> DockerBuilder:
    """The worker's builder."""
    installation = installations.of(settings)
    return DockerBuilder(settings, installation.id, services().slugs)


@app.task(name="kedge.build")  # type: ignore[untyped-decorator]  # Celery has no types
def build(build_id: str) -> None:
    """Run a build."""
    builds.run(services(), builder(), uuid.UUID(build_id))


@app.task(name="kedge.forget_cache")  # type: ignore[untyped-decorator]
def forget_cache(app_id: str) -> None:
    """Drop the build cache of an app."""
    builder().forget_cache(uuid.UUID(app_id))


@app.task(name="kedge.tidy")  # type: ignore[untyped-decorator]
def tidy(*, is_new: bool = False) -> None:
    """End builds whose worker died, with their containers.

    A worker that is new takes up what waits: it was lost with the one before, or with the queue.
    """
    build_queue.reap(services(), timedelta() if is_new else build_queue.ENQUEUE_AGAIN)
    builder().sweep(lambda: build_queue.running(services()))


@app.task(name="kedge.addons")  # type: ignore[untyped-decorator]
def settle_addons() -> None:
    """Have the providers of add-ons asked that are due."""
    for addon_id in provisioning.due(services()):
        provisioning.begin(services(), addon_id)


@app.task(name="kedge.drop_past")  # type: ignore[untyped-decorator]
def drop_past() -> None:
    """Drop what is too old to be kept, and have git pack what grew."""
    retention.drop_past(services())
    garbage.collect(services(), Repositories(settings.home / "repos", settings.source_limit_mb))


@worker_init.connect  # type: ignore[untyped-decorator]
def _log_like_the_others(**_: Any) -> None:
    configure(settings.log_level)


@worker_ready.connect  # type: ignore[untyped-decorator]
def _tidy_at_start(**_: Any) -> None:
    tidy.delay(is_new=True)
    installations.of(settings).ready_file("worker").touch()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _let_go_of_what_waits(**_: Any) -> None:
    """At once, not when the last build has ended; in a thread, for this is a signal's handler."""
    if builder.cache_info().currsize:
        threading.Thread(target=builder().close, name="closing").start()
