"""The Procfile's `clock`: wakes the worker's regular tasks, and knows nothing of what they do.

Apart from `tasks.py`, so that a process that only tells the time loads no database and no engine.
"""

from __future__ import annotations

from kedge import settings as configuration
from kedge.engine.queue import celery_app

TIDY_SECONDS = 10.0

app = celery_app(configuration.load().redis_url)
app.conf.beat_schedule = {
    "tidy": {
        "task": "kedge.tidy",
        "schedule": TIDY_SECONDS,
        # One that waited longer than until the next one is not worth running.
        "options": {"expires": TIDY_SECONDS},
    }
}
