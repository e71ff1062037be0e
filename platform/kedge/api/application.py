"""The WSGI application: blueprints, and what surrounds each request."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable

import structlog
from flask import Blueprint, Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from kedge.api import (
    absent,
    account,
    addon,
    addon_attachment,
    addon_partner,
    addon_service,
    alert,
    authentication,
    authorization,
    backup,
    build,
    buildpack,
    collaborator,
    config_var,
    console,
    context,
    database,
    domain,
    dyno,
    dyno_size,
    errors,
    feature,
    formation,
    history,
    key,
    log_drain,
    log_session,
    metric,
    output,
    provider,
    redis,
    region,
    release,
    rollout,
    schema,
    slug,
    source,
    stack,
    transfer,
    user,
    why,
)
from kedge.api import app as app_
from kedge.api.answers import REQUESTS_REMAINING
from kedge.errors import NotFound
from kedge.ops.services import Services

log = structlog.get_logger()
NOUNS = (
    absent, account, addon, addon_attachment, addon_partner, addon_service, alert, app_,
    authorization, backup, build, buildpack, collaborator, config_var, console, database,
    domain, dyno, dyno_size, feature, formation, history, key, log_drain, log_session, metric,
    output, provider, redis, region, release, rollout, schema, slug, source, stack, transfer,
    user, why,
)  # fmt: skip
REQUEST_ID_LIMIT = 7 * 1024
_REQUEST_IDS = re.compile(r"[A-Za-z0-9._:,+/= -]+")


def create(services: Services, blueprints: Iterable[Blueprint] = ()) -> Flask:
    """The application.

    Args:
        services: what its views work with.
        blueprints: further ones, which ask for credentials themselves (git does, in its own way).
    """
    app = Flask("kedge.api", static_folder=None)
    # `DELETE /apps/a/log-drains/syslog%3A%2F%2Fhost` holds two slashes that are one thing's name.
    app.url_map.merge_slashes = False
    # The router is the only way in; it says by which scheme it was reached.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    context.install(app, services)
    errors.install(app)
    app.before_request(_begin)
    app.after_request(_end)
    for blueprint in (_api(), *blueprints):
        app.register_blueprint(blueprint)
    return app


def _api() -> Blueprint:
    """All nouns behind one gate: a view asks for credentials unless it says that it does not."""
    gate = Blueprint("api", __name__)
    gate.before_request(authentication.authenticate)
    for noun in NOUNS:
        gate.register_blueprint(noun.routes)
    return gate


def _begin() -> None:
    g.began = time.monotonic()
    g.request_id = str(uuid.uuid4())
    if any("\0" in str(value) for value in (request.view_args or {}).values()):
        raise NotFound("Names hold no NUL character.")


def _end(response: Response) -> Response:
    response.headers["Request-Id"] = _request_ids()
    response.headers["RateLimit-Remaining"] = str(REQUESTS_REMAINING)
    log.info(
        "api.request",
        request=g.request_id,
        method=request.method,
        # The rule, not the path: some addresses are secrets.
        rule=request.url_rule.rule if request.url_rule else None,
        app=(request.view_args or {}).get("app"),
        status=response.status_code,
        user=who.email if (who := g.get("actor")) else None,
        ms=round((time.monotonic() - g.began) * 1000),
    )
    return response


def _request_ids() -> str:
    """The ids the client sent (a list that grows with its calls), else our own."""
    sent = request.headers.get("Request-Id", "")
    if 0 < len(sent) <= REQUEST_ID_LIMIT and _REQUEST_IDS.fullmatch(sent):
        return sent
    return str(g.request_id)
