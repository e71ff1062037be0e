"""Bootstrap's icons as inline SVG: no request of their own, coloured by the text around them."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from markupsafe import Markup

SPRITE = files("flask_bootstrap") / "static/bootstrap5/icons/bootstrap-icons.svg"
NAME = re.compile(r"[a-z0-9-]{1,60}")
FALLBACK = "square"
ORNAMENT = Markup('aria-hidden="true"')
LABELLED = Markup('role="img" aria-label="{}"')
SVG = Markup(
    '<svg class="icon" width="16" height="16" viewBox="0 0 16 16" fill="currentColor" {}>{}</svg>'
)


def icon(name: str, label: str = "") -> Markup:
    """The icon of that name (https://icons.getbootstrap.com); unknown ones are a plain square.

    Without a label it is an ornament, which screen readers pass over.
    """
    said = LABELLED.format(label) if label else ORNAMENT
    return SVG.format(said, drawing(name) or drawing(FALLBACK))


@lru_cache(maxsize=512)
def drawing(name: str) -> Markup | None:
    """What is inside an icon; None when there is none of that name."""
    if not NAME.fullmatch(name):
        return None
    begin = f'<symbol class="bi bi-{name}" viewBox="0 0 16 16" id="{name}">'
    _, is_there, after = SPRITE.read_text().partition(begin)
    inside = after.partition("</symbol>")[0]
    return Markup(inside) if is_there else None  # noqa: S704 - the package's own drawing
