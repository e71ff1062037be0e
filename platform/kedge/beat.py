"""The Procfile's `clock`: wakes the worker's regular tasks, and knows nothing of what they do.

Apart from `tasks.py`, so that a process that only tells the time loads no database and no engine.
"""

from __future__ import annotations

from typing import Any

from celery.signals import beat_init

from kedge import settings as configuration
from kedge.engine.queue import celery_app
from kedge.home import installation as installations

TIDY_SECONDS = 10.0
DROP_PAST_SECONDS = 3600.0
ADDONS_SECONDS = 10.0
REGULAR = {"tidy": TIDY_SECONDS, "addons": ADDONS_SECONDS, "drop_past": DROP_PAST_SECONDS}


@beat_init.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _say_ready(**_: Any) -> None:
    installations.of(settings).ready_file("clock").touch()


settings = configuration.load()
app = celery_app(settings.redis_url)
app.conf.beat_schedule = {
    name: {
        "task": f"kedge.{name}",
        "schedule": seconds,
        # One that waited longer than until the next one is not worth running.
        "options": {"expires": seconds},
    }
    for name, seconds in REGULAR.items()
}
