"""Answers held against Heroku's official JSON hyper-schema.

The schema's links say which definition a method and path answer with; `$ref`s are followed, formats
and patterns checked, but for two patterns only Heroku's own domains can match.
"""

import functools
import json
import re
import uuid
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

import jsonschema

SCHEMA = Path(__file__).parent / "heroku-platform-api-schema.json"
HEROKUS_OWN_PATTERNS = ("herokuapp", "git\\.heroku")
ERROR = {
    "type": "object",
    "required": ["id", "message"],
    "properties": {"id": {"type": "string"}, "message": {"type": "string", "minLength": 1}},
}


def check_answer(method, path, answer):
    """Raises AssertionError when an answer is not what the schema says."""
    if answer.status_code >= 400:
        jsonschema.validate(answer.json, ERROR)
        return
    target = target_of(method, path.partition("?")[0])
    if target is None or answer.status_code == 304:
        return
    assert answer.mimetype == "application/json"
    errors = list(validator(json.dumps(target)).iter_errors(answer.json))
    assert not errors, "\n".join(f"{list(e.absolute_path)}: {e.message}" for e in errors)


def target_of(method, path):
    """What a method and path answer with by the schema; None when it does not know them."""
    for link_method, pattern, target in links():
        if link_method == method and pattern.fullmatch(path):
            return target
    return None


@functools.cache
def links():
    """(method, pattern of paths, schema of the answer) of every link of the schema."""
    found = []
    for definition in document()["definitions"].values():
        for link in definition.get("links", []):
            target = link.get("targetSchema")
            if target is None and link["rel"] != "empty":
                target = {k: v for k, v in definition.items() if k != "links"}
            found.append((link["method"], re.compile(pattern_of(link["href"])), target))
    # Literal paths before those with a parameter in the same place.
    return sorted(found, key=lambda link: link[1].pattern.count("[^/]+"))


def pattern_of(href):
    """`/apps/{(%23%2Fdefinitions%2Fapp%2F…)}` as a pattern of paths."""
    parts = re.split(r"\{\(.*?\)\}", unquote(href))
    return "[^/]+".join(re.escape(part) for part in parts)


@functools.cache
def document():
    """The schema, without what only Heroku itself could fulfil."""
    return _relaxed(json.loads(SCHEMA.read_text()))


def _relaxed(node):
    if isinstance(node, dict):
        return {k: _relaxed(v) for k, v in node.items() if not _is_herokus_own(k, v)}
    return [_relaxed(one) for one in node] if isinstance(node, list) else node


def _is_herokus_own(key, value):
    return key == "pattern" and any(own in str(value) for own in HEROKUS_OWN_PATTERNS)


@functools.cache
def validator(target):
    schema = {**json.loads(target), "definitions": document()["definitions"]}
    return jsonschema.Draft4Validator(schema, format_checker=formats())


def formats():
    """The formats the schema uses; `uri` stands on host names there, and so says nothing."""
    checker = jsonschema.FormatChecker(formats=())

    @checker.checks("uuid", raises=ValueError)
    def is_uuid(value):
        return str(uuid.UUID(value)) == value

    @checker.checks("date-time", raises=ValueError)
    def is_moment(value):
        return bool(value is None or (value.endswith("Z") and datetime.fromisoformat(value)))

    @checker.checks("email")
    def is_email(value):
        return "@" in value

    return checker
