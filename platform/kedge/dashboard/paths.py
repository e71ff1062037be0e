"""Where the dashboard's pages are: Heroku's shape, the same in requests and in live fragments."""

from __future__ import annotations

from urllib.parse import quote, urlencode

APPS = "/"
NEW_APP = "/dashboard/new"
SIGN_IN = "/dashboard/sign-in"
SIGN_OUT = "/dashboard/sign-out"
THEME = "/dashboard/theme"
LIVE = "/dashboard/live"


def app(name: str, *parts: object, **query: object) -> str:
    """A page of an app: `app("shop", "activity", "v7")`; empty query values are left out."""
    path = "/".join(quote(str(part), safe="") for part in (name, *parts))
    return with_query(f"/dashboard/apps/{path}", **query)


def with_query(path: str, **query: object) -> str:
    """The path with these query values; those that are None or empty are left out."""
    given = {key: str(value) for key, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def local(path: str | None) -> str | None:
    """The path when it stays on this platform, else None: what a sign-in may go on to.

    Browsers read two leading slashes of either kind as another host, and drop control characters.
    """
    if not path or not path.startswith("/") or path[1:2] in {"/", "\\"}:
        return None
    return path if path.isprintable() and "\\" not in path else None
