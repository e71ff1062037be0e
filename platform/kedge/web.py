"""The Procfile's `web`: API and git in one WSGI application, `gunicorn kedge.web:application`."""

from __future__ import annotations

from kedge import settings as configuration
from kedge.api.application import create
from kedge.engine.git import Repositories
from kedge.git.http import blueprint
from kedge.log import configure
from kedge.services import bind

settings = configuration.load()
configure(settings.log_level)
services = bind(settings)
repositories = Repositories(settings.home / "repos", settings.source_limit_mb)
application = create(services, [blueprint(services, repositories)])
