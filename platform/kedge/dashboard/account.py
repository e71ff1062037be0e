"""One's own account: password, second factor, sessions and tokens."""

from __future__ import annotations

from typing import Any

import segno
from flask import Blueprint, Response, request
from markupsafe import Markup

from kedge.dashboard import context
from kedge.dashboard.answers import NO_PROBLEM, Problem, go, show, visit_of
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.visit import Visit
from kedge.errors import Forbidden, InvalidParams, KedgeError, SignInRefused
from kedge.ops import accounts, passwords, sessions, two_factor

routes = Blueprint("account", __name__)
PATH = "/dashboard/account"
REFUSALS = (401, 422)
CONFIRM = "Confirm that it is you first, at the top of this page."


def load(visit: Visit) -> Facts:
    """The account, its sessions and its tokens."""
    return {
        "account": accounts.account_of(visit.services, visit.actor),
        "sessions": sessions.list_sessions(visit.services, visit.actor),
        "tokens": accounts.list_authorizations(visit.services, visit.actor),
        "shortest": passwords.SHORTEST,
    }


PAGE = register(Page(name="account", title="Account", load=load, of_app=False, is_personal=True))


@routes.get(PATH)
def show_() -> Response:
    """One's own account."""
    return _page()


@routes.post(f"{PATH}/confirm")
def confirm() -> Response:
    """Prove that it is oneself, by password or code: good for ten minutes."""
    try:
        sessions.confirm(context.services(), context.session(), request.form.get("proof", ""))
    except SignInRefused as error:
        return _page(Problem("confirm", error.message), error.status)
    return go(PATH, "Confirmed for ten minutes.")


@routes.post(f"{PATH}/password")
def set_password() -> Response:
    """Choose another password. Other sessions end."""
    given = request.form
    try:
        _check_repeated(given.get("new", ""), given.get("again", ""))
        passwords.set_password(
            context.services(), context.actor(), given.get("new", ""), given.get("current")
        )
    except KedgeError as error:
        return _again("password", error)
    return go(PATH, "Your password is changed. Other sessions have ended.")


@routes.post(f"{PATH}/two-factor")
def begin_two_factor() -> Response:
    """Begin with an authenticator: its secret, as a code to scan and to type."""
    try:
        _check_confirmed()
        made = two_factor.begin(context.services(), context.actor())
    except KedgeError as error:
        return _again("two-factor", error)
    code = segno.make(made.otpauth_uri, error="m")
    picture = code.svg_inline(scale=5, border=2, omitsize=True, svgclass="qr", lineclass=None)
    return _page(secret=made.secret, picture=Markup(picture))  # noqa: S704 - segno made it


@routes.post(f"{PATH}/two-factor/finish")
def finish_two_factor() -> Response:
    """Put it in force with a first code; the recovery codes are shown only now."""
    try:
        codes = two_factor.finish(context.services(), context.actor(), request.form.get("code", ""))
    except KedgeError as error:
        return _again("two-factor", error)
    return _page(codes=codes)


@routes.post(f"{PATH}/two-factor/off")
def end_two_factor() -> Response:
    """Do without the second factor from now on."""
    try:
        _check_confirmed()
        two_factor.disable(context.services(), context.actor())
    except KedgeError as error:
        return _again("two-factor", error)
    return go(PATH, "Two-factor authentication is off.")


@routes.post(f"{PATH}/two-factor/codes")
def renew_codes() -> Response:
    """Other recovery codes in place of those there are."""
    try:
        _check_confirmed()
        codes = two_factor.new_recovery_codes(context.services(), context.actor())
    except KedgeError as error:
        return _again("two-factor", error)
    return _page(codes=codes)


@routes.post(f"{PATH}/sessions/end")
def end_session() -> Response:
    """End one of one's sessions."""
    sessions.revoke_session(context.services(), context.actor(), request.form.get("session", ""))
    return go(PATH, "That session has ended.")


@routes.post(f"{PATH}/tokens")
def make_token() -> Response:
    """Make a token for programs; it is shown only now."""
    try:
        _check_confirmed()
        words = request.form.get("description", "").strip()
        _, token = accounts.create_authorization(
            context.services(), context.actor(), words.replace("\0", ""), None
        )
    except KedgeError as error:
        return _again("tokens", error)
    return _page(token=token)


@routes.post(f"{PATH}/tokens/revoke")
def revoke_token() -> Response:
    """Make a token worthless."""
    accounts.revoke_authorization(
        context.services(), context.actor(), request.form.get("token_id", "")
    )
    return go(PATH, "That token is worthless now.")


def _page(problem: Problem = NO_PROBLEM, status: int = 200, **more: Any) -> Response:
    """The page; `more` is what is shown once: a secret to scan, codes, a token."""
    once = {"secret": None, "picture": None, "codes": None, "token": None} | more
    recent_until = context.session().recent_until
    return show(PAGE, visit_of(PAGE), problem, status, recent_until=recent_until, **once)


def _again(form: str, error: KedgeError) -> Response:
    """The page with what was refused; anything else is an error page."""
    if error.status not in (*REFUSALS, 403):
        raise error
    return _page(Problem(form, error.message), 422 if error.status == 401 else error.status)


def _check_confirmed() -> None:
    """Raises Forbidden unless the person proved themselves in the last ten minutes."""
    if context.session().recent_until is None:
        raise Forbidden(CONFIRM)


def _check_repeated(new: str, again: str) -> None:
    if new != again:
        raise InvalidParams("The two new passwords are not the same.")
