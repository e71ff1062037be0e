"""Answers: pages in their frame, redirects with a notice, and errors with what to do next."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import Any

import structlog
from flask import Response, g, request
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from kedge.dashboard import context, cookies, navigation, notices, paths
from kedge.dashboard.notices import Notice, Tone
from kedge.dashboard.page import Page
from kedge.dashboard.rendering import TOKEN, render
from kedge.dashboard.visit import Visit, visit_app
from kedge.errors import KedgeError, Unauthorized

log = structlog.get_logger()
LIVE = Markup('<div class="live" data-live="{}" data-digest="{}">{}</div>')


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a form was refused: which form, the words, and what was typed into it."""

    form: str
    words: str
    typed: dict[str, str] = field(default_factory=dict)

    def value(self, form: str, name: str, otherwise: str = "") -> str:
        """What was typed into a field of that form."""
        return self.typed.get(name, otherwise) if form == self.form else otherwise


NO_PROBLEM = Problem("", "")


def visit(app: str, page: Page | None = None, *, arguments: dict[str, str] | None = None) -> Visit:
    """This request's visit to an app; the page's arguments are those of the address.

    Raises NotFound.
    """
    chosen = {name: request.args.get(name, "") for name in (page.arguments if page else ())}
    return visit_app(
        context.services(), context.actor(), app, context.origin(), chosen | (arguments or {})
    )


def visit_of(page: Page) -> Visit:
    """This request's visit to a page of no app."""
    return Visit(
        services=context.services(),
        actor=context.actor(),
        origin=context.origin(),
        arguments={name: request.args.get(name, "") for name in page.arguments},
    )


def show(
    page: Page, seen: Visit, problem: Problem = NO_PROBLEM, status: int = 200, **more: Any
) -> Response:
    """A page with its live regions."""
    facts = page.facts(seen) | more
    token = context.form_token()
    regions = {
        name: LIVE.format(name, each.digest, each.owned(token))
        for name, each in page.rendered(facts).items()
    }
    shown = {"page": page, "regions": regions, "problem": problem, **facts}
    if page.for_owners:
        shown |= {"platform_tabs": navigation.PLATFORM}
    if page.of_app:
        shown |= {"tabs": navigation.tabs_for(seen)}
    return framed(page.name, status, **{"title": page.title, **shown})


def framed(template: str, status: int = 200, **facts: Any) -> Response:
    """A template in the dashboard's frame."""
    who, key = context.signed_in(), context.form_key()
    notice = notices.waiting(key)
    usual = {
        "account": who.account if who else None,
        "account_links": navigation.links_for(who.actor if who else None),
        "theme": cookies.theme(),
        "notice": notice,
        "origin": context.origin(),
        "here": request.full_path.rstrip("?"),
        "request_id": g.get("request_id", ""),
        "problem": NO_PROBLEM,
    }
    html = render(template, **(usual | facts)).replace(TOKEN, context.form_token())
    response = Response(html, status)
    if notice:
        cookies.drop(response, cookies.NOTICE)
    if who is None:
        cookies.keep(response, cookies.VISIT, key.decode(), cookies.VISIT_SECONDS)
    return response


def redirect(path: str) -> Response:
    """On to another page, by GET."""
    return Response(status=303, headers={"Location": path})


def go(path: str, words: str = "", tone: Tone = "good") -> Response:
    """On to another page, which shows these words."""
    response = redirect(path)
    if words:
        notices.leave(response, context.form_key(), Notice(words, tone))
    return response


def refused(error: KedgeError) -> Response:
    """A refusal as a page; who is not signed in is asked to do so."""
    if isinstance(error, Unauthorized) and request.path != paths.LIVE:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        path = paths.with_query(paths.SIGN_IN, next=wanted if wanted != paths.APPS else None)
        response = redirect(path)
        cookies.drop(response, cookies.SESSION)
        return response
    if error.status >= 500 and error.id == KedgeError.id:
        return unexpected(error)
    return framed("error", error.status, title=_headline(error.status), words=error.message)


def not_routed(error: HTTPException) -> Response:
    """Werkzeug's own: a wrong method, an unreadable or too large request."""
    status = error.code or 500
    words = error.description or error.name
    return framed("error", status, title=_headline(status), words=words)


def unexpected(error: Exception) -> Response:
    """A fault of ours."""
    # As text: a renderer that shows each frame's variables would show secrets.
    trace = "".join(traceback.format_exception(error))
    log.error("dashboard.failed", request=g.get("request_id"), rule=str(request.url_rule),
              traceback=trace)  # fmt: skip
    words = (
        "Something went wrong inside Kedge. Try again; if it comes again, the web part's log has "
        "the details under the request's id."
    )
    return framed("error", 500, title=_headline(500), words=words)


def _headline(status: int) -> str:
    return {
        400: "That request cannot be read",
        401: "Please sign in",
        403: "You may not do that",
        404: "Not found",
        405: "That page takes no such request",
        409: "Somebody else was faster",
        413: "That is too large",
        422: "That cannot be done",
        423: "That needs your confirmation",
        429: "Too many attempts",
        503: "A part of the platform does not answer",
    }.get(status, "Something went wrong")
