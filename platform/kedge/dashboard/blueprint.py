"""The dashboard as one blueprint: its pages behind one gate, its errors as pages."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from werkzeug.exceptions import HTTPException

from kedge.dashboard import (
    access,
    account,
    activity,
    addons,
    answers,
    apps,
    assets,
    config_var,
    deploy,
    gate,
    headers,
    invitation,
    logs,
    metrics,
    new_app,
    overview,
    paths,
    resources,
    rollback,
    settings,
    sign_in,
    theme,
)
from kedge.dashboard.context import KEY, Dashboard, public
from kedge.dashboard.data import forms as data_forms
from kedge.dashboard.data import page as data
from kedge.dashboard.forms import Ledger
from kedge.dashboard.live import view
from kedge.dashboard.live.hub import Hub
from kedge.dashboard.platform import audit as platform_audit
from kedge.dashboard.platform import overview as platform
from kedge.dashboard.platform import people as platform_people
from kedge.dashboard.platform import services as platform_services
from kedge.engine.git import Repositories
from kedge.errors import KedgeError, NotFound
from kedge.ops.services import Services

PAGES: tuple[Any, ...] = (
    access, account, activity, addons, apps, config_var, data, data_forms, deploy, invitation, logs,
    metrics, new_app, overview, platform, platform_audit, platform_people, platform_services,
    resources, rollback, settings, sign_in, theme, view,
)  # fmt: skip


def blueprint(services: Services, repositories: Repositories) -> Blueprint:
    """The dashboard."""
    made = Blueprint("dashboard", __name__)
    shared = Dashboard(services, repositories, Hub(services.wakes), Ledger())
    made.record_once(lambda state: state.app.extensions.update({KEY: shared}))
    made.before_request(gate.enter)
    made.after_request(gate.leave)
    made.after_request(headers.add)
    made.teardown_request(gate.abandon)
    made.register_error_handler(KedgeError, answers.refused)
    made.register_error_handler(HTTPException, answers.not_routed)
    made.register_error_handler(Exception, answers.unexpected)
    made.add_url_rule(f"{assets.PREFIX}/<version>/<name>", "asset", public(_asset))
    made.add_url_rule("/dashboard", "home", public(_home))
    made.add_url_rule("/dashboard/", "home_", public(_home))
    made.add_url_rule("/dashboard/<path:rest>", "nothing", _nothing, methods=["GET", "POST"])
    for page in PAGES:
        made.register_blueprint(page.routes)
    return made


def _asset(version: str, name: str) -> Response:
    """A stylesheet or a script."""
    return assets.send(version, name)


def _home() -> Response:
    """The apps are at the root."""
    return answers.redirect(paths.APPS)


def _nothing(rest: str) -> Response:
    """No page of the dashboard."""
    del rest
    raise NotFound.of("page", "There is no such page. The address may be mistyped, or outdated.")
