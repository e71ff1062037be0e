r"""Config vars as text: `KEY=value` a line, as in a .env file.

A value in single quotes is taken as it stands, one in double quotes with `\n`, `\"`, `\\` and
`\$` for what they stand for; both may span lines. Other values end with their line. Nothing is
expanded, so what is written is what is set.
"""

from __future__ import annotations

import re

from kedge.errors import InvalidParams

_ENTRY = re.compile(
    r"""
    (?P<blank>[ \t]*(?:\#[^\n]*)?(?:\n|\Z))
  | [ \t]*(?:export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*
    (?: '(?P<single>[^']*)'[ \t]*(?:\#[^\n]*)?(?:\n|\Z)
      | "(?P<double>(?:[^"\\]|\\.)*)"[ \t]*(?:\#[^\n]*)?(?:\n|\Z)
      | (?P<plain>[^'"\n][^\n]*|)(?:\n|\Z)
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=&?-]+")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def parsed(text: str) -> dict[str, str]:
    """The config vars of a text.

    Raises:
        InvalidParams: a line is no `KEY=value`; the message names it by number, not by content.
    """
    text = text.replace("\r\n", "\n")
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _ENTRY.match(text, position)
        if match is None:
            number = text.count("\n", 0, position) + 1
            raise InvalidParams(
                f"Line {number} is not KEY=value. "
                'Quote values of several lines: KEY="first\\nsecond".'
            )
        if match["key"]:
            found[match["key"]] = _value(match)
        position = match.end()
    return found


def written(variables: dict[str, str]) -> str:
    """The text that `parsed` reads back to the same config vars."""
    return "".join(f"{key}={_quoted(value)}\n" for key, value in sorted(variables.items()))


def _value(match: re.Match[str]) -> str:
    if match["single"] is not None:
        return match["single"]
    if match["double"] is not None:
        return re.sub(
            r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), match["double"], flags=re.DOTALL
        )
    return (match["plain"] or "").rstrip()


def _quoted(value: str) -> str:
    if not value or _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + escaped.replace("\r", "\\r") + '"'
