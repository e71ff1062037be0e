"""Errors as answers: every error is translated here, once."""

from __future__ import annotations

import traceback
from typing import Any

import structlog
from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException

from kedge.api.answers import answer
from kedge.errors import InvalidParams, KedgeError, Unauthorized

log = structlog.get_logger()
_IDS = {
    400: "bad_request",
    405: "method_not_allowed",
    413: "request_entity_too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    431: "request_header_fields_too_large",
}
_NO_ENDPOINT = (
    "The requested API endpoint was not found. Are you using the right HTTP verb "
    "(i.e. `GET` vs. `POST`), and did you specify your intended version with the `Accept` header?"
)


def install(app: Flask) -> None:
    """Answer every error of the application in Heroku's form."""
    app.register_error_handler(KedgeError, _refused)
    app.register_error_handler(HTTPException, _not_routed)
    app.register_error_handler(DataError, _not_storable)
    app.register_error_handler(Exception, _unexpected)


def _refused(error: KedgeError) -> Response:
    if error.status >= 500 and error.id == KedgeError.id:
        return _unexpected(error)
    response = answer(error.body(), error.status)
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = 'Basic realm="kedge"'  # git asks for it
    return response


def _not_routed(error: HTTPException) -> ResponseReturnValue:
    """Werkzeug's own: no such path, wrong method, an unreadable request."""
    status = error.code or 500
    if error.response is not None or status < 400:  # a redirect
        return error
    if status == 404:
        return _answer(404, "not_found", _NO_ENDPOINT)
    if status == 405:
        return _wrong_method(error)
    return _answer(status, _IDS.get(status, "bad_request"), error.description or error.name)


def _wrong_method(error: HTTPException) -> Response:
    allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or []))
    words = f"{request.method} is not a method of this endpoint. It takes: {allowed}."
    response = _answer(405, _IDS[405], words)
    response.headers["Allow"] = allowed
    return response


def _not_storable(error: DataError) -> Response:
    """A value PostgreSQL cannot hold, of a member no rule had bounded."""
    log.warning("api.value_refused", request=g.request_id, sqlstate=_sqlstate(error))
    return _refused(InvalidParams("A value in the request is too long or too large to be kept."))


def _unexpected(error: Exception) -> Response:
    # As text: a renderer that shows each frame's variables would show secrets.
    trace = "".join(traceback.format_exception(error))
    log.error("api.failed", request=g.request_id, rule=str(request.url_rule), traceback=trace)
    words = f"Something went wrong inside Kedge. The web part's log has it under {g.request_id}."
    return _answer(500, KedgeError.id, words)


def _answer(status: int, error_id: str, message: str) -> Response:
    body: dict[str, Any] = {"id": error_id, "message": message}
    return answer(body, status)


def _sqlstate(error: DataError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
