"""The Procfile's `web`: API, git and dashboard in one application, `kedge.web:application`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING

from kedge import settings as configuration
from kedge.api.application import create
from kedge.dashboard import blueprint as dashboard
from kedge.engine.git import Repositories
from kedge.git import http as git
from kedge.git.settle import tend
from kedge.home.look import ThisMachine
from kedge.log import configure
from kedge.parent import end_with_parent
from kedge.services import bind

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

settings = configuration.load()
configure(settings.log_level)
end_with_parent()
services = replace(bind(settings, connections=24), machine=ThisMachine(settings))
repositories = Repositories(settings.home / "repos", settings.source_limit_mb)
served = create(
    services,
    [git.blueprint(services, repositories), dashboard.blueprint(services, repositories)],
)
Thread(target=tend, args=(services, repositories, Event()), name="settle", daemon=True).start()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The application; `/health` is answered before it: alive, without a word in the log."""
    if environ["PATH_INFO"] == "/health":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
        return [b"ok\n"]
    return served(environ, start_response)
