"""The dashboard's cookies, and how safe each is.

Over https the names begin with `__Host-`: browsers then take them from this very host alone, so
that no app on a neighbouring name can put one of its own in their place
(https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes).
"""

from __future__ import annotations

from flask import Response, request

SESSION = "kedge-session"
VISIT = "kedge-visit"
NOTICE = "kedge-notice"
THEME = "kedge-theme"
SESSION_SECONDS = 60 * 86400
VISIT_SECONDS = 86400
NOTICE_SECONDS = 120
THEME_SECONDS = 2 * 365 * 86400
THEMES = ("auto", "light", "dark")


def session_token() -> str | None:
    """The token of the visitor's session, as their browser has it."""
    return request.cookies.get(_named(SESSION))


def visit_name() -> str:
    """The name of the cookie that binds forms to a browser nobody is signed in with yet."""
    return _named(VISIT)


def theme() -> str:
    """Light, dark, or as the machine prefers."""
    wanted = request.cookies.get(THEME, "auto")
    return wanted if wanted in THEMES else "auto"


def keep(response: Response, name: str, value: str, seconds: int) -> None:
    """Have the browser keep a cookie that scripts cannot read."""
    response.set_cookie(
        _named(name), value, max_age=seconds, path="/", secure=_is_secure(), httponly=True,
        samesite="Strict" if name == VISIT else "Lax",
    )  # fmt: skip


def keep_theme(response: Response, wanted: str) -> None:
    """Have the browser keep how pages look; our script reads it, and it tells nothing."""
    response.set_cookie(
        THEME, wanted, max_age=THEME_SECONDS, path="/", secure=_is_secure(), samesite="Lax"
    )


def drop(response: Response, name: str) -> None:
    """Have the browser forget a cookie."""
    response.delete_cookie(_named(name), path="/", secure=_is_secure(), httponly=True)


def get(name: str) -> str | None:
    """The value of a cookie."""
    return request.cookies.get(_named(name))


def _named(name: str) -> str:
    return f"__Host-{name}" if _is_secure() else name


def _is_secure() -> bool:
    return request.scheme == "https"
