"""What differs between two releases, as coloured lines. Config values are never shown."""

from __future__ import annotations

from typing import Any

from kedge.cli.screen import paint

_MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def lines_of(diff: dict[str, Any]) -> list[str]:
    """The difference, one change a line; empty when nothing differs."""
    return [
        *_code(diff.get("code")),
        *(_config(change) for change in diff.get("config", [])),
        *(_pair("process", change["type"], change) for change in diff.get("process_types", [])),
        *(_pair("formation", change["type"], change) for change in diff.get("formation", [])),
        *_stack(diff.get("stack")),
    ]


def titled(diff: dict[str, Any]) -> list[str]:
    """The difference under a headline, or the headline that says that there is none."""
    lines = lines_of(diff)
    span = f"v{diff['from']} → v{diff['to']}"
    if not lines:
        return [f"{paint(span, bold=True)}: same code, config, processes and stack."]
    return [paint(span, bold=True), *(f"  {line}" for line in lines)]


def _code(code: dict[str, Any] | None) -> list[str]:
    if not code or code.get("same"):
        return []
    return [_pair("code", "", code)]


def _stack(stack: dict[str, Any] | None) -> list[str]:
    if not stack or stack.get("from") == stack.get("to"):
        return []
    return [_pair("stack", "", stack)]


def _config(change: dict[str, Any]) -> str:
    mark, colour = _MARKS.get(change["change"], ("~", "yellow"))
    return paint(f"{mark} {'config':<10} {change['key']}", colour)


def _pair(what: str, name: str, change: dict[str, Any]) -> str:
    """`~ process   web: old → new`; added or removed when one side is missing."""
    old, new = change.get("from"), change.get("to")
    label = f"{name}: " if name else ""
    if old is None:
        return paint(f"+ {what:<10} {label}{new}", "green")
    if new is None:
        return paint(f"- {what:<10} {label}{old}", "red")
    sides = f"{paint(str(old), 'red')} → {paint(str(new), 'green')}"
    return f"{paint('~', 'yellow')} {what:<10} {label}{sides}"
