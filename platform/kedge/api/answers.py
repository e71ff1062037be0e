"""Answers: JSON, with an ETag where the client may have the same one already."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Response, request

# Heroku's budget for an hour. Kedge refuses nobody; client libraries want to be told.
REQUESTS_REMAINING = 4500


def answer(body: Any, status: int = 200) -> Response:
    """JSON. A GET whose answer the client has already (If-None-Match) is answered with 304."""
    payload = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    response = Response(payload, status, mimetype="application/json")
    if request.method in {"GET", "HEAD"} and status in {200, 206}:
        response.set_etag(hashlib.sha256(payload).hexdigest()[:32])
        response.headers["Cache-Control"] = "private, no-cache"
        if request.if_none_match.contains_weak(response.get_etag()[0] or ""):
            response.status_code = 304
            response.set_data(b"")
    return response
