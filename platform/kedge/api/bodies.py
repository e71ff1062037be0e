"""Request bodies: one JSON object, bounded, and its members by type.

What is wrong with a body is said in words; nothing a client sends may become a server error.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from flask import request

from kedge.errors import BadRequest, InvalidParams, TooLarge

LIMIT_BYTES = 1024 * 1024
DEPTH_LIMIT = 32
_CHUNK_BYTES = 64 * 1024


def body() -> dict[str, Any]:
    """The request's JSON object; an empty body is an empty object.

    Raises:
        TooLarge: over 1 MB.
        BadRequest: not JSON.
        InvalidParams: not an object, nested too deep, or text no system can keep (NUL, surrogates).
    """
    parsed = parse(_payload())
    if not isinstance(parsed, dict):
        raise InvalidParams("The request's body must be a JSON object: {…}.")
    return parsed


def raw() -> bytes:
    """The request's body as it came. Raises TooLarge: over 1 MB."""
    return _payload()


def parse(payload: bytes) -> Any:
    """Checked JSON; an empty payload is an empty object. Raises as `body` does."""
    if not payload.strip():
        return {}
    try:
        parsed = json.loads(payload.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except RecursionError:
        raise InvalidParams(_TOO_DEEP) from None
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are both
        raise BadRequest(f"The request's body is not JSON: {_reason(error)}.") from None
    _check(parsed)
    return parsed


def text(members: Mapping[str, Any], name: str, *, limit: int = 4096) -> str | None:
    """A member that is text; None when it is missing or null. Raises InvalidParams."""
    value = members.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidParams(f"{name} must be text.")
    if len(value) > limit:
        raise InvalidParams(f"{name} must be at most {limit} characters.")
    return value


def integer(members: Mapping[str, Any], name: str, *, lowest: int, highest: int) -> int | None:
    """A member that is a whole number, also as text ("3600"); None when missing or null.

    Raises:
        InvalidParams: not a number, or out of bounds.
    """
    value = members.get(name)
    if value is None:
        return None
    number = _whole(value)
    if number is None or not lowest <= number <= highest:
        raise InvalidParams(f"{name} must be a whole number from {lowest} to {highest}.")
    return number


def truth(members: Mapping[str, Any], name: str) -> bool | None:
    """A member that is true or false, also as text; None when missing or null."""
    value = members.get(name)
    if value is None or isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise InvalidParams(f"{name} must be true or false.")


def mapping(members: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A member that is an object; empty when missing or null. Raises InvalidParams."""
    value = members.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidParams(f"{name} must be an object.")
    return value


def sequence(members: Mapping[str, Any], name: str) -> list[Any]:
    """A member that is a list; empty when missing or null. Raises InvalidParams."""
    value = members.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidParams(f"{name} must be a list.")
    return value


def identity(members: Mapping[str, Any], name: str) -> str | None:
    """A member that names something: `"x"`, or `{"id": "x"}`, or `{"name": "x"}`."""
    value = members.get(name)
    if isinstance(value, dict):
        value = value.get("id") or value.get("name")
    return text({name: value}, name)


def _payload() -> bytes:
    if (request.content_length or 0) > LIMIT_BYTES:
        _refuse_size()
    pieces, size = [], 0
    while piece := request.stream.read(_CHUNK_BYTES):
        size += len(piece)
        if size > LIMIT_BYTES:
            _refuse_size()
        pieces.append(piece)
    return b"".join(pieces)


def _refuse_size() -> NoReturn:
    raise TooLarge(f"The request's body may have up to {LIMIT_BYTES // 1024} KB.")


_TOO_DEEP = f"The request's JSON may be nested up to {DEPTH_LIMIT} levels deep."


def _check(parsed: Any) -> None:
    """Look at every value without recursion: a body may be nested a thousand levels deep."""
    waiting = [(parsed, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEPTH_LIMIT:
            raise InvalidParams(_TOO_DEEP)
        if isinstance(value, dict):
            waiting += [(key, depth) for key in value]
            waiting += [(member, depth + 1) for member in value.values()]
        elif isinstance(value, list):
            waiting += [(member, depth + 1) for member in value]
        elif isinstance(value, str):
            _check_text(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise InvalidParams("A number in the request is too large.")


def _check_text(value: str) -> None:
    if "\0" in value:
        raise InvalidParams("A text in the request holds a NUL character; take it out.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidParams(
            "A text in the request is not valid Unicode (it holds a lone surrogate)."
        ) from None


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _reason(error: ValueError) -> str:
    """Where it breaks, without showing any of what was sent."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 at byte {error.start}"
    return "a number is too long or not one of JSON's"
