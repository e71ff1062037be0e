"""The providers as one Flask application, and as a process: `kedge_addons.web:serve()`.

/<service>/heroku/resources…          the partner API, asked by the platform
/<service>/kedge/resources/<id>…      what the platform asks beyond it
/provider/<service>/…                 pages for people, through the platform
"""

from __future__ import annotations

import hmac
import logging
import sys
from http import HTTPStatus

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from kedge_addons import catalogue, keys, own_api, partner_api, sign_in
from kedge_addons import settings as configuration
from kedge_addons.errors import ProviderError
from kedge_addons.keys import Keys
from kedge_addons.lifecycle import Lifecycle
from kedge_addons.site import page
from kedge_addons.worker import Worker

log = logging.getLogger(__name__)
LIMIT_BYTES = 1024 * 1024


def serve() -> Flask:
    """The application of this process, its schema brought up to date and its worker started."""
    declared = configuration.load()
    logging.basicConfig(level=declared.log_level.upper(), stream=sys.stderr,
                        format="%(levelname)s %(name)s %(message)s")  # fmt: skip
    logging.getLogger("httpx").setLevel(logging.WARNING)
    known = keys.load(declared.home)
    worker = Worker()
    tools = catalogue.tools(declared, known)
    tools.database.migrate()
    tools.resources.look_at_all()
    lifecycle = Lifecycle(tools, catalogue.services(tools), worker.wake)
    worker.start(lifecycle)
    return create(lifecycle, known)


def create(lifecycle: Lifecycle, known: Keys) -> Flask:
    """The application over these services."""
    app = Flask(__name__, static_folder=None)
    # Reached through the platform, which says by which host and scheme a person came.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.config["MAX_CONTENT_LENGTH"] = LIMIT_BYTES
    app.extensions["lifecycle"], app.extensions["keys"] = lifecycle, known
    app.register_error_handler(ProviderError, _said)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _broken)
    app.add_url_rule("/health", "health", lambda: "ok\n")
    sign_in.install(app)
    page.install(app)
    for name, service in lifecycle.services.items():
        app.register_blueprint(_called_by_platform(name))
        if further := service.routes():
            app.register_blueprint(
                _guarded(further), url_prefix=f"/{name}/kedge/resources/<uuid:resource_id>",
                name=f"{name} calls",
            )  # fmt: skip
        sign_in.mount(app, name, service.pages())
        if open_pages := service.open_pages():
            app.register_blueprint(
                open_pages, url_prefix=f"/provider/{name}", name=f"{name} open pages"
            )
    return app


def _called_by_platform(name: str) -> Blueprint:
    """The partner API and ours beside it, for one service, behind its password."""
    gate = Blueprint(f"{name} api", __name__, url_prefix=f"/{name}")
    gate.before_request(_check_password)
    gate.register_blueprint(partner_api.blueprint(name))
    gate.register_blueprint(own_api.blueprint(name))
    return gate


def _guarded(further: Blueprint) -> Blueprint:
    further.before_request(_check_password)
    return further


def _check_password() -> Response | None:
    """Only the platform knows the service's name and password."""
    name = request.path.split("/")[1]
    known: Keys = current_app.extensions["keys"]
    shown = request.authorization
    wanted = f"{name}:{known.password(name)}".encode()
    given = f"{shown.username}:{shown.password}".encode("utf-8", "replace") if shown else b""
    if hmac.compare_digest(wanted, given):
        return None
    answer = jsonify(message="Unknown id or password.")
    answer.status_code, answer.headers["WWW-Authenticate"] = 401, 'Basic realm="partner API"'
    return answer


def _said(error: ProviderError) -> tuple[Response, int]:
    return jsonify(message=error.message), error.status


def _refused(error: HTTPException) -> tuple[Response, int]:
    status = error.code or 500
    return jsonify(message=error.description or HTTPStatus(status).phrase), status


def _broken(error: Exception) -> tuple[Response, int]:
    """A defect of ours: in the log with its place, and nothing of it in the answer."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return jsonify(message="Something went wrong at the provider."), 500
