"""An app's metrics: requests, times, memory and processor on one axis with what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from flask import Blueprint, Response, request

from kedge.dashboard.answers import show, visit
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.plots import Axis, Mark, Plot
from kedge.dashboard.visit import Visit
from kedge.errors import InvalidParams
from kedge.ops import metrics
from kedge.ops.metrics import Marker, Metrics

routes = Blueprint("metrics", __name__)
POINTS = 120
SPANS = {
    "2h": ("2 hours", timedelta(hours=2)),
    "12h": ("12 hours", timedelta(hours=12)),
    "24h": ("24 hours", timedelta(hours=24)),
    "3d": ("3 days", timedelta(days=3)),
    "7d": ("7 days", timedelta(days=7)),
}
DEFAULT_SPAN = "2h"
MOST_DYNOS = 6  # one plot with more lines than that is read by nobody
LINES = ("line-1", "line-2", "line-3", "line-4", "line-5", "line-6")
CLASS_TONES = ("good", "info", "warn", "bad")


def load(visit: Visit) -> Facts:
    """The plots of the span asked for."""
    span = visit.arguments.get("span") or DEFAULT_SPAN
    if span not in SPANS:
        raise InvalidParams(f"There are plots of {', '.join(SPANS)}.")
    until = visit.services.now()
    found = metrics.read(
        visit.services, visit.actor, str(visit.the_app.id), until - SPANS[span][1], until, POINTS
    )
    return {"span": span, "spans": SPANS, "found": found, "figures": figures(found),
            "plots": plots(found)}  # fmt: skip


def plots(found: Metrics) -> list[Plot]:
    """All plots of the page."""
    axis = Axis(found.moments, found.step, [_mark(each) for each in found.markers])
    minutes = found.step / timedelta(minutes=1)
    rates = {kind: [n / minutes for n in counts] for kind, counts in found.requests.items()}
    drawn = [
        Plot(title="Requests", unit="a minute", axis=axis, series=rates, tones=CLASS_TONES,
             stacked=True, digits=0 if _most(rates) > 20 else 1),
        Plot(title="Response time", unit="ms", axis=axis, series=found.response_ms,
             tones=("line-1", "line-4", "line-5")),
        *_dyno_plots(found, axis),
    ]  # fmt: skip
    if found.errors:
        drawn.append(Plot(title="Errors", unit="", axis=axis, series=found.errors, tones=LINES))
    return drawn


def figures(found: Metrics) -> list[tuple[str, str]]:
    """The few numbers one looks for first."""
    total = sum(map(sum, found.requests.values()))
    failed = sum(found.requests["5xx"])
    share = f"{100 * failed / total:.2f} %" if total else "-"
    median = [each for each in found.response_ms["p50"] if each is not None]
    high = [each for each in found.response_ms["p95"] if each is not None]
    return [
        ("Requests", f"{total:,}"),
        ("Answered 5xx", share),
        ("Median response", f"{_middle(median):,.0f} ms" if median else "-"),
        ("p95 response", f"{_middle(high):,.0f} ms" if high else "-"),
    ]


def _dyno_plots(found: Metrics, axis: Axis) -> list[Plot]:
    """Memory with the quota of the dynos, and processors."""
    names = list(found.dynos)[:MOST_DYNOS]
    if not names:
        return []
    quota = max(found.dynos[name].memory_quota_mb for name in names)
    memory: dict[str, Sequence[float | None]] = {n: found.dynos[n].memory_mb_max for n in names}
    memory["quota"] = [float(quota)] * len(axis.moments)
    processors = {name: found.dynos[name].cpu for name in names}
    return [
        Plot(title="Memory", unit="MB", axis=axis, series=memory,
             tones=(*LINES[: len(names)], "quota")),
        Plot(title="Processors", unit="cores", axis=axis, series=processors, tones=LINES, digits=2),
    ]  # fmt: skip


def _mark(marker: Marker) -> Mark:
    tone = "change"
    if marker.kind == "release":
        tone = "failed" if marker.status == "failed" else "release"
    return Mark(marker.at, tone, f"{marker.words} by {marker.who}")


def _most(series: Mapping[str, Sequence[float]]) -> float:
    return max((max(values, default=0.0) for values in series.values()), default=0.0)


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


PAGE = register(
    Page(
        name="metrics",
        title="Metrics",
        load=load,
        regions={"plots": "metrics/plots"},
        arguments=("span",),
    )
)


@routes.get("/dashboard/apps/<app>/metrics")
def show_(app: str) -> Response:
    """The metrics of the span asked for."""
    return show(PAGE, visit(app, PAGE, arguments={"span": request.args.get("span", "")}))
