"""The schema of the API: Heroku's own, with the links that are served here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

from flask import Blueprint, Response, current_app
from werkzeug.routing import Rule

from kedge.api.answers import answer
from kedge.api.context import public

routes = Blueprint("schema", __name__)
FILE = "heroku-platform-api-schema.json"
_CACHE = "kedge.schema"


@routes.get("/schema")
@public
def info() -> Response:
    """The JSON hyper-schema client libraries are made from."""
    if _CACHE not in current_app.extensions:
        official = json.loads(files("kedge.api").joinpath(FILE).read_text())
        current_app.extensions[_CACHE] = served(official, current_app.url_map.iter_rules())
    return answer(current_app.extensions[_CACHE])


def served(official: dict[str, Any], rules: Iterable[Rule]) -> dict[str, Any]:
    """The schema without the links none of the rules serves. Definitions stay: others name them."""
    known = {
        (method, re.sub(r"<[^>]+>", "{}", rule.rule))
        for rule in rules
        for method in rule.methods or ()
    }
    for definition in official["definitions"].values():
        links = definition.get("links", [])
        definition["links"] = [link for link in links if (link["method"], _shape(link)) in known]
    return official


def _shape(link: dict[str, Any]) -> str:
    return re.sub(r"\{\(.*?\)\}", "{}", unquote(link["href"]))
