"""The worker's queue: Celery over Redis. It carries ids only; the truth is in PostgreSQL."""

from __future__ import annotations

import uuid
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from kedge.errors import QueueDown


def celery_app(redis_url: str, *, concurrency: int = 2) -> Celery:
    """The Celery application all of Kedge's processes share the settings of."""
    app = Celery("kedge", broker=_broker(redis_url), set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=False,
        worker_concurrency=concurrency,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "socket_connect_timeout": 2,
            "socket_timeout": 30,
            "visibility_timeout": 24 * 3600,
        },
        broker_connection_timeout=2,
    )
    return app


class CeleryQueue:
    """Hands work to the worker by task name, so that senders import no tasks."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def build(self, build_id: uuid.UUID) -> None:
        """Have a build run. Raises QueueDown."""
        self._send("kedge.build", str(build_id))

    def forget_cache(self, app_id: uuid.UUID) -> None:
        """Have the build cache of an app dropped. Raises QueueDown."""
        self._send("kedge.forget_cache", str(app_id))

    def _send(self, name: str, *args: Any) -> None:
        try:
            self._app.send_task(name, args=args, retry=False)
        except (OperationalError, OSError) as error:
            raise QueueDown(
                "Kedge's queue (Redis) does not answer; the work begins when it is back."
            ) from error


def _broker(redis_url: str) -> str:
    """Celery's form of the URL: `unix://…` sockets are `redis+socket://…` there."""
    return redis_url.replace("unix://", "redis+socket://", 1)
