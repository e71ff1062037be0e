"""The people of the platform: users, who owns it, and who is invited."""

from __future__ import annotations

from flask import Blueprint, Response, request

from kedge.dashboard import context
from kedge.dashboard.answers import NO_PROBLEM, Problem, go, show, visit_of
from kedge.dashboard.page import Facts, Page, register
from kedge.dashboard.visit import Visit
from kedge.errors import KedgeError
from kedge.model.account import Account
from kedge.ops import users

routes = Blueprint("platform_people", __name__)
PATH = "/dashboard/platform/people"
MENDABLE = {404, 409, 422}


def load(visit: Visit) -> Facts:
    """Everybody, and who was invited."""
    return {
        "users": users.list_users(visit.services, visit.actor),
        "invitations": users.list_invitations(visit.services, visit.actor),
        "now": visit.services.now(),
    }


PAGE = register(
    Page(
        name="platform_people",
        title="People",
        load=load,
        regions={"people": "platform/people"},
        of_app=False,
        for_owners=True,
        is_personal=True,
        pace_seconds=1.0,
    )
)


@routes.get(PATH)
def show_() -> Response:
    """Everybody."""
    return _page()


@routes.post(PATH)
def invite() -> Response:
    """Invite somebody: the link to send them is shown only here."""
    email, is_owner = request.form.get("email", "").strip(), request.form.get("owner") == "yes"
    try:
        made, token = users.invite(context.services(), context.actor(), email, is_owner=is_owner)
    except KedgeError as error:
        return _again("invite", error)
    link = f"{context.origin()}/dashboard/invitations/{token}"
    return _page(link=link, invited=made.email)


@routes.post(f"{PATH}/withdraw")
def withdraw() -> Response:
    """Take an invitation back."""
    email = request.form.get("email", "")
    users.withdraw(context.services(), context.actor(), email)
    return go(PATH, f"The invitation of {email} is withdrawn: its link leads nowhere now.")


@routes.post(f"{PATH}/owner")
def make_owner() -> Response:
    """Make somebody an owner of the installation, or no longer."""
    on = request.form.get("on") == "yes"
    try:
        who = users.make_owner(context.services(), context.actor(), _user(), on=on)
    except KedgeError as error:
        return _again("people", error)
    _close_pages_of(who)
    return go(PATH, f"{who.email} is {'an owner' if on else 'no owner'} of this installation now.")


@routes.post(f"{PATH}/suspend")
def suspend() -> Response:
    """Keep somebody out, or let them in again."""
    on = request.form.get("on") == "yes"
    try:
        who = users.suspend(context.services(), context.actor(), _user(), on=on)
    except KedgeError as error:
        return _again("people", error)
    _close_pages_of(who)
    return go(PATH, f"{who.email} {'is suspended' if on else 'may sign in again'}.")


@routes.post(f"{PATH}/remove")
def remove() -> Response:
    """Remove an account that made nothing which must keep its author."""
    try:
        who = users.remove(context.services(), context.actor(), _user())
    except KedgeError as error:
        return _again("people", error)
    _close_pages_of(who)
    return go(PATH, f"The account of {who.email} is gone.")


def _close_pages_of(who: Account) -> None:
    """Have their open pages ask anew what they may see."""
    context.dashboard().hub.dismiss(lambda reader: reader.account.account_id == who.id)


def _user() -> str:
    return request.form.get("user", "")


def _again(form: str, error: KedgeError) -> Response:
    if error.status not in MENDABLE:
        raise error
    typed = {key: value for key, value in request.form.items() if key != "token"}
    return _page(Problem(form, error.message, typed), error.status)


def _page(
    problem: Problem = NO_PROBLEM, status: int = 200, *, link: str = "", invited: str = ""
) -> Response:
    return show(PAGE, visit_of(PAGE), problem, status, link=link, invited=invited)
