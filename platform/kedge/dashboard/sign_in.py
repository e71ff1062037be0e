"""Signing in: by password and second factor, by a one-time link; and out again."""

from __future__ import annotations

import base64
import binascii
import json
import time

from flask import Blueprint, Response, request

from kedge.dashboard import context, cookies, paths
from kedge.dashboard.answers import NO_PROBLEM, Problem, framed, redirect
from kedge.dashboard.context import public
from kedge.errors import SecondFactorNeeded, SignInRefused, TooManyAttempts, Unauthorized
from kedge.ops import sessions, sign_in_links
from kedge.vault import Sealed

routes = Blueprint("sign_in", __name__)
# How long somebody may look for their authenticator before the password is asked for again.
SECOND_STEP_SECONDS = 300
SEALED_FOR = "second step of a sign-in"


@routes.get("/dashboard/sign-in")
@public
def form() -> Response:
    """Where one signs in."""
    if context.signed_in():
        return redirect(_next(request.args.get("next")))
    return _form(NO_PROBLEM, request.args.get("next"))


@routes.post("/dashboard/sign-in")
@public
def sign_in() -> Response:
    """Sign in with e-mail and password; who has a second factor goes on to its code."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    wanted = request.form.get("next")
    try:
        token = sessions.sign_in(context.services(), email, password, None, context.client())
    except SecondFactorNeeded:
        return _code_form(_sealed(email, password), wanted)
    except SignInRefused as error:
        return _form(Problem("sign-in", error.message, {"email": email}), wanted, error.status)
    except TooManyAttempts as error:
        return _slowed(error)
    return signed_in(token, wanted)


@routes.post("/dashboard/sign-in/code")
@public
def second_step() -> Response:
    """The second step: a code of the authenticator, or a recovery code."""
    proof, wanted = request.form.get("proof", ""), request.form.get("next")
    code = request.form.get("code", "").strip()
    try:
        email, password = _opened(proof)
        token = sessions.sign_in(context.services(), email, password, code, context.client())
    except SecondFactorNeeded as error:
        return _code_form(proof, wanted, error.message)
    except SignInRefused:
        return _code_form(proof, wanted, "That code is not right, or was used before.")
    except TooManyAttempts as error:
        return _slowed(error)
    except Unauthorized as error:
        return _form(Problem("sign-in", error.message), wanted, error.status)
    return signed_in(token, wanted)


@routes.get("/sign-in/<token>")
@public
def short_link(token: str) -> Response:
    """A one-time link as it is printed."""
    return redirect(f"{paths.SIGN_IN}/{token}")


@routes.get("/dashboard/sign-in/<token>")
@public
def link(token: str) -> Response:
    """A one-time link: a page with a button, since what only reads a link must not spend it."""
    return framed("sign_in_link", title="Sign in", link=token, who=context.signed_in())


@routes.post("/dashboard/sign-in/<token>")
@public
def use_link(token: str) -> Response:
    """Sign in by a one-time link."""
    try:
        made = sign_in_links.use(context.services(), token, context.client())
    except Unauthorized as error:
        return _form(Problem("sign-in", error.message), None, error.status)
    return signed_in(made, None)


@routes.post("/dashboard/sign-out")
def sign_out() -> Response:
    """End the session."""
    ended = context.session().session_id
    sessions.sign_out(context.services(), cookies.session_token() or "")
    context.dashboard().hub.dismiss(lambda reader: reader.account.session_id == ended)
    response = redirect(paths.SIGN_IN)
    cookies.drop(response, cookies.SESSION)
    return response


def signed_in(token: str, wanted: str | None) -> Response:
    """On to the page that was wanted, with the session's cookie."""
    response = redirect(_next(wanted))
    cookies.keep(response, cookies.SESSION, token, cookies.SESSION_SECONDS)
    cookies.drop(response, cookies.VISIT)
    return response


def _next(wanted: str | None) -> str:
    path = paths.local(wanted)
    return paths.APPS if path is None or path.startswith(paths.SIGN_IN) else path


def _form(problem: Problem, wanted: str | None, status: int = 200) -> Response:
    return framed("sign_in", status, title="Sign in", problem=problem, next=paths.local(wanted))


def _code_form(proof: str, wanted: str | None, words: str = "") -> Response:
    problem = Problem("code", words) if words else NO_PROBLEM
    return framed(
        "sign_in_code", 401 if words else 200, title="Second step", problem=problem, proof=proof,
        next=paths.local(wanted),
    )  # fmt: skip


def _slowed(error: TooManyAttempts) -> Response:
    response = framed("sign_in_slowed", 429, title="Too many attempts", words=error.message)
    response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _sealed(email: str, password: str) -> str:
    """What was proven in the first step, for the second one alone, and for a few minutes."""
    told = json.dumps([email, password, time.time()]).encode()
    return base64.urlsafe_b64encode(context.services().vault.seal(told, SEALED_FOR)).decode()


def _opened(proof: str) -> tuple[str, str]:
    """E-mail and password of the first step. Raises Unauthorized."""
    try:
        told = context.services().vault.open(base64.urlsafe_b64decode(proof), SEALED_FOR)
    except (binascii.Error, ValueError, Sealed):
        raise Unauthorized("Begin again with your e-mail and password.") from None
    email, password, at = json.loads(told)
    if time.time() - at > SECOND_STEP_SECONDS:
        raise Unauthorized("That took more than five minutes. Begin again with your password.")
    return email, password
