"""Plots over time as SVG: pygal draws them, our stylesheet colours them, no script is needed.

All plots of a page have the same margins, so that a moment is at the same place in each, and the
same marks of what happened (releases, restarts). Hovering a moment tells its values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from xml.etree.ElementTree import Element, SubElement, tostring

import pygal
from markupsafe import Markup

LEFT, RIGHT, TOP, BOTTOM = 56, 10, 10, 22
INSET = 0.02  # what pygal leaves free at both ends of a plot, of the span between them
TICKS = {"wide": 8, "narrow": 4}
SIZES = {"wide": (920, 190), "narrow": (350, 170)}
Size = Literal["wide", "narrow"]
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Mark:
    """A line at one moment; `tone` is a class of ours, `words` its tooltip."""

    at: datetime
    tone: str
    words: str


@dataclass(frozen=True, slots=True)
class Axis:
    """The moments all series have a value for, and what happened between them."""

    moments: Sequence[datetime]
    step: timedelta
    marks: Sequence[Mark] = ()

    def place(self, at: datetime) -> float:
        """Where a moment is: 0 at the first one, 1 at the last."""
        span = self.step * max(len(self.moments) - 1, 1)
        return min(max((at - self.moments[0]) / span, 0.0), 1.0)

    def label(self, moment: datetime) -> str:
        """A moment as the axis names it."""
        is_long = self.step * len(self.moments) > timedelta(hours=25)
        return moment.strftime("%-d %b %H:%M" if is_long else "%H:%M")


@dataclass(frozen=True, slots=True)
class Row:
    """One series in figures."""

    name: str
    tone: str
    last: float | None
    mean: float | None
    peak: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Series by name, in the order they are drawn; `tones` are classes of ours, one for each."""

    title: str
    unit: str
    axis: Axis
    series: Mapping[str, Values]
    tones: Sequence[str]
    stacked: bool = False
    digits: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for values in self.series.values() for value in values)

    def svg(self, size: Size) -> Markup:
        """The plot for a wide or a narrow screen."""
        kind = _Areas if self.stacked else _Lines
        chart = kind(**_settings(self, size))
        labels = [self.axis.label(each) for each in self.axis.moments]
        chart.x_labels = labels
        chart.x_labels_major = labels[:: max(1, -(-len(labels) // TICKS[size]))]
        for name, values in self.series.items():
            chart.add(name, list(values))
        root = chart.render_tree()
        _finish(root, self, SIZES[size])
        return Markup(tostring(root, encoding="unicode"))  # noqa: S704 - its texts are escaped

    def key(self) -> list[Row]:
        """Each series in figures, for the table below the plot."""
        return [
            _row(name, tone, [each for each in values if each is not None])
            for (name, values), tone in zip(self.series.items(), self.tones, strict=False)
        ]

    def told(self, n: int) -> str:
        """The values of a moment in words."""
        said = [f"{name} {self.value(values[n])}" for name, values in self.series.items()]
        return f"{self.axis.label(self.axis.moments[n])}\n" + "\n".join(said)

    def value(self, value: float | None) -> str:
        """A value with its unit."""
        return "-" if value is None else f"{self.number(value)} {self.unit}".strip()

    def number(self, value: float | None) -> str:
        """A value without its unit, which stands in the heading."""
        return "-" if value is None else f"{value:,.{self.digits}f}"


def _row(name: str, tone: str, values: Sequence[float]) -> Row:
    if not values:
        return Row(name, tone, None, None, None)
    return Row(name, tone, values[-1], sum(values) / len(values), max(values))


class _EvenMargins:
    """The same margins in every plot, where pygal fits them to the labels of each."""

    margin_box: Any

    def _compute_margin(self) -> None:
        super()._compute_margin()  # type: ignore[misc]  # pygal has no types
        box = self.margin_box
        box.left, box.right, box.top, box.bottom = LEFT, RIGHT, TOP, BOTTOM


class _Lines(_EvenMargins, pygal.Line):  # type: ignore[misc]  # likewise
    """Lines."""


class _Areas(_EvenMargins, pygal.StackedLine):  # type: ignore[misc]  # likewise
    """Areas on top of one another."""


def _settings(plot: Plot, size: Size) -> dict[str, Any]:
    width, height = SIZES[size]
    return {
        "width": width,
        "height": height,
        "no_prefix": True,
        "margin": 0,
        "show_legend": False,
        "show_dots": False,
        "fill": plot.stacked,
        "allow_interruptions": True,
        "truncate_label": -1,
        "show_minor_x_labels": False,
        "include_x_axis": True,
        "min_scale": 2,
        "max_scale": 4,
        "no_data_text": "",
        "css": (),
        "js": (),
        "value_formatter": plot.number,
    }


def _finish(root: Element, plot: Plot, size: tuple[int, int]) -> None:
    """Take pygal's own colours, scripts and remarks away, and put ours in their place.

    The picture is hidden from screen readers: what it shows stands in a table beside it.
    """
    for child in list(root):
        if not isinstance(child.tag, str) or child.tag in {"defs", "title"}:
            root.remove(child)
    root.attrib.pop("id", None)
    root.attrib |= {
        "class": f"plot-svg {'_areas' if plot.stacked else '_lines'}",
        "aria-hidden": "true",
    }
    for element in root.iter():
        element.attrib.pop("style", None)
        classes = element.get("class", "").split()
        for number, tone in enumerate(plot.tones):
            if f"serie-{number}" in classes:
                element.set("class", f"{' '.join(classes)} plot-{tone}")
    area = SubElement(root, "g", {"transform": f"translate({LEFT}, {TOP})"})
    width, height = size[0] - LEFT - RIGHT, size[1] - TOP - BOTTOM
    _add_moments(area, plot, width, height)
    _add_marks(area, plot.axis, width, height)


def _add_marks(area: Element, axis: Axis, width: float, height: float) -> None:
    """A line for each thing that happened."""
    for mark in axis.marks:
        x = f"{_inset(axis.place(mark.at)) * width:.1f}"
        group = SubElement(area, "g", {"class": f"plot-mark is-{mark.tone}"})
        SubElement(group, "line", {"x1": x, "x2": x, "y1": "0", "y2": str(height)})
        SubElement(group, "circle", {"cx": x, "cy": "0", "r": "3.5"})
        SubElement(group, "title").text = mark.words


def _add_moments(area: Element, plot: Plot, width: float, height: float) -> None:
    """A bar over each moment that tells its values when pointed at."""
    count = len(plot.axis.moments)
    step = width / max(count - 1, 1) / (1 + 2 * INSET)
    for n in range(count):
        left = max(0.0, _inset(n / max(count - 1, 1)) * width - step / 2)
        place = {"x": f"{left:.1f}", "y": "0", "width": f"{step:.1f}", "height": str(height)}
        bar = SubElement(area, "rect", {"class": "plot-moment", **place})
        SubElement(bar, "title").text = plot.told(n)


def _inset(place: float) -> float:
    return (place + INSET) / (1 + 2 * INSET)
