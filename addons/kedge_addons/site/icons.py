"""Bootstrap's icons as inline SVG (https://icons.getbootstrap.com), from the installed package."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from markupsafe import Markup

SPRITE = files("flask_bootstrap") / "static/bootstrap5/icons/bootstrap-icons.svg"
NAME = re.compile(r"[a-z0-9-]{1,60}")
SVG = Markup(
    '<svg class="icon" width="16" height="16" viewBox="0 0 16 16" fill="currentColor" '
    'aria-hidden="true">{}</svg>'
)


@lru_cache(maxsize=64)
def icon(name: str) -> Markup:
    """The icon of that name, an ornament; nothing where there is none."""
    if not NAME.fullmatch(name):
        return Markup()
    begin = f'<symbol class="bi bi-{name}" viewBox="0 0 16 16" id="{name}">'
    _, is_there, after = SPRITE.read_text().partition(begin)
    inside = after.partition("</symbol>")[0]
    return SVG.format(Markup(inside)) if is_there else Markup()  # noqa: S704 - the package's own
