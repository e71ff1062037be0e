"""Templates: one environment for pages and for the live fragments that replace their parts.

Everything is escaped, and an unknown name is an error. `TOKEN` stands where a form's token belongs:
fragments are rendered once for many viewers, and each gets their own put in its place.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kedge.dashboard import assets, paths, words
from kedge.dashboard.icons import icon
from kedge.model.formation import SIZES

# Not to be known by whoever writes what is shown: it would be replaced there as well.
TOKEN = f"token-{secrets.token_hex(16)}"
# Relative times are kept up to date in the browser; that they differ is no change.
_TIMES = re.compile(r"(<time [^>]*>)[^<]*")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A rendered part of a page. `digest` differs when anything but the passing of time does."""

    html: str
    digest: str

    def owned(self, token: str) -> Markup:
        """As one viewer gets it."""
        return Markup(self.html.replace(TOKEN, token))  # noqa: S704 - a template made it


def render(template: str, **facts: Any) -> str:
    """A template with these facts; `template` is named below `templates/dashboard`."""
    return environment().get_template(f"{template}.html").render(facts)


def fragment(template: str, **facts: Any) -> Fragment:
    """A part of a page."""
    html = render(template, **facts)
    timeless = _TIMES.sub(r"\1", html)
    return Fragment(html, hashlib.blake2b(timeless.encode(), digest_size=6).hexdigest())


def when(moment: datetime | None) -> Markup:
    """A moment as a person reads it: how long ago, with the exact time at hand."""
    if moment is None:
        return Markup("")
    exact = moment.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.strftime("%Y-%m-%dT%H:%M:%SZ"),
        exact.strftime("%-d %b %Y, %H:%M:%S UTC"),
        words.ago(moment, datetime.now(UTC)),
    )


@cache
def environment() -> Environment:
    """The environment of all templates of the dashboard."""
    made = Environment(
        loader=PackageLoader("kedge.dashboard", "templates/dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {
        "TOKEN": TOKEN,
        "SIZES": SIZES,
        "asset": assets.address,
        "icon": icon,
        "paths": paths,
        "state": words.state,
    }
    made.filters |= {
        "when": when,
        "size": words.size,
        "price": words.price,
        "browser": words.browser,
        "count": words.count,
        "backticks": words.with_code,
        "release_state": words.release_state,
    }
    return made
