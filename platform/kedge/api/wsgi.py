"""Gunicorn's entry: `gunicorn kedge.api.wsgi:application`."""

from __future__ import annotations

from kedge import settings
from kedge.api.application import create
from kedge.services import bind

application = create(bind(settings.load()))
