"""What `bin/release` prints: a small YAML document, of which default_process_types counts.

`addons` and `config_vars` are ignored, as Heroku ignores them for every release but an app's first;
buildpacks set variables in `.profile.d`.
"""

from __future__ import annotations

import json
import re
from typing import Any

_SECTION = re.compile(r"^([\"']?)default_process_types\1:\s*(.*)$")
_ITEM = re.compile(r"^(\s+)([\"']?)([A-Za-z0-9_-]+)\2:\s+(.*)$")


def default_process_types(text: str) -> dict[str, str]:
    """Process types by name: of JSON, or of the YAML that buildpacks print (one plain or quoted
    scalar a line, or a flow mapping).
    """
    if text.lstrip().startswith("{"):
        return _strings(json.loads(text).get("default_process_types") or {})
    lines = [line for line in text.splitlines() if line.strip() and not re.match(r"\s*#|---", line)]
    for index, line in enumerate(lines):
        section = _SECTION.match(line)
        if section is None:
            continue
        if section[2].startswith("{"):
            return _flow(section[2])
        return _block(lines[index + 1 :])
    return {}


def _strings(mapping: dict[str, Any]) -> dict[str, str]:
    return {str(name): str(command) for name, command in mapping.items()}


def _block(lines: list[str]) -> dict[str, str]:
    types: dict[str, str] = {}
    for line in lines:
        item = _ITEM.match(line)
        if item is None:
            break
        types[item[3]] = _scalar(item[4])
    return types


def _flow(text: str) -> dict[str, str]:
    inner = text.strip().removeprefix("{").removesuffix("}").strip()
    if not inner:
        return {}
    pairs = re.findall(r"([\w\"'-]+):\s*(\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'|[^,]+)", inner)
    return {name.strip("\"'"): _scalar(value) for name, value in pairs}


def _scalar(value: str) -> str:
    value = value.strip()
    if value.startswith('"'):
        return str(json.loads(re.match(r'"(?:[^"\\]|\\.)*"', value)[0]))  # type: ignore[index]
    if value.startswith("'"):
        return re.match(r"'((?:[^']|'')*)'", value)[1].replace("''", "'")  # type: ignore[index]
    return re.sub(r"\s+#.*$", "", value)
