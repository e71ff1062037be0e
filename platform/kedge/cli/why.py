"""`kedge why`: a small report on why an app, or a release, is not up."""

from __future__ import annotations

from typing import Any

import click

from kedge.cli.api import AppApi
from kedge.cli.difference import titled
from kedge.cli.options import json_option, on_app
from kedge.cli.releases import VERSION
from kedge.cli.screen import app_name, paint, show, show_json
from kedge.cli.table import show_table


@click.command("why")
@click.argument("version", type=VERSION, required=False)
@on_app
@json_option
def why(app: AppApi, version: int | None, as_json: bool) -> None:
    """Say why an app is not up, or why a release failed: the cause, the evidence, what to do."""
    query = {"release": version} if version is not None else {}
    report = app.api.get(app.own_path("why"), **query)
    if as_json:
        show_json(report)
        return
    show(f"{app_name(app.name)}  {paint(report['summary'], bold=True)}")
    for number, finding in enumerate(report["findings"], 1):
        _show_finding(number, finding)
    if report.get("changed"):
        show()
        show(paint("What had changed", bold=True))
        for line in titled(report["changed"]):
            show(f"  {line}")


def _show_finding(number: int, finding: dict[str, Any]) -> None:
    show()
    show(f"{paint(f'{number}.', 'red', bold=True)} {paint(finding['title'], 'red', bold=True)}")
    rows = [[paint("│", "bright_black"), line] for line in finding.get("evidence") or []]
    if finding.get("next_step"):
        rows.append([paint("->", "cyan"), finding["next_step"]])
    show_table(rows, indent=3)
