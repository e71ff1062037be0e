"""Headers of every answer: what a page may load, who may frame it, and what nobody may keep."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, g

POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],  # Bootstrap's stylesheet has its marks as data
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
}
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def allow_form_to(*origins: str) -> None:
    """Let the forms of this one page be sent there as well (a single sign-on at a provider)."""
    g.form_origins = (*g.get("form_origins", ()), *origins)


def add(response: Response) -> Response:
    """Put them on an answer; what a view has set itself stays."""
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers["Content-Security-Policy"] = _policy(g.get("form_origins", ()))
    # Pages are of one person at one moment: after a sign-out, Back must not bring them again.
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _policy(form_origins: Sequence[str]) -> str:
    policy = POLICY | {"form-action": [*POLICY["form-action"], *form_origins]}
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items())
