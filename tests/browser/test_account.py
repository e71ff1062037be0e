"""One's own account in the browser: password, second factor, sessions, tokens."""

from __future__ import annotations

import time

import pyotp
import pytest

from browser.conftest import PASSWORD
from kedge.errors import Unauthorized
from kedge.ops import accounts, sessions

PATH = "/dashboard/account"


@pytest.fixture
def at_account(visitor, people):
    """Opens the account page as somebody new; the page and who they are."""

    def open_(**options):
        who = people.make()
        page = visitor(people.cookie(who), **options)
        page.goto(PATH)
        return page, who

    return open_


def test_a_password_is_changed(at_account, platform, people):
    """With the current one; other sessions end, this one stays."""
    page, who = at_account()
    other = people.session(who)
    page.fill("#current", PASSWORD)
    page.fill("#new", "five words are even better")
    page.fill("#again", "five words are even better")
    page.click("text=Change password")
    page.wait_for_selector("text=Your password is changed")

    with pytest.raises(Unauthorized):
        sessions.resume(platform.services, other)
    page.goto(PATH)
    assert page.locator("h1").inner_text() == "Account"


@pytest.mark.parametrize(
    ("current", "new", "again", "words"),
    [("wrong", "five words are better", "five words are better", "not right"),
     (PASSWORD, "five words are better", "six words are better", "not the same"),
     (PASSWORD, "too short", "too short", "12 characters"),
     (PASSWORD, "who needs words!", "who needs words!", "")],
)  # fmt: skip
def test_a_wrong_form_says_what_is_wrong(people, current, new, again, words):
    """Beside the form that was sent, and nothing is changed."""
    client = people.client(people.make())
    form = {"current": current, "new": new, "again": again, "token": people.token(client)}
    answer = client.post(f"{PATH}/password", data=form)
    assert answer.status_code == (422 if words else 303)
    if words:
        assert words in answer.text.partition('id="problem-password"')[2].partition("</div>")[0]


def test_a_second_factor_is_set_up(at_account, platform):
    """Scan, enter a code, keep the recovery codes; from then on a sign-in asks for a code."""
    page, who = at_account()
    page.click("section:has(#factor-title) >> text=Turn on")
    secret = page.locator(".enrol code").inner_text()
    assert page.locator(".qr").count() == 1
    page.fill("#code", pyotp.TOTP(secret).now())
    page.click(".enrol >> text=Turn on")
    page.wait_for_selector("text=Keep these recovery codes")
    codes = page.locator(".codes li").all_inner_texts()

    assert len(codes) == 10
    client = sessions.Client("127.0.0.1", "test")
    assert sessions.sign_in(platform.services, who.email, PASSWORD, codes[0], client)


def test_a_token_is_made_and_revoked(at_account, platform):
    """It is shown once, works, and is worthless when it was revoked."""
    page, who = at_account()
    page.fill("#description", "A </script> program")
    page.click("text=Make a token")
    token = page.locator("section:has(#tokens-title) .copyable code").inner_text()
    assert accounts.authenticate(platform.services, token).account_id == who.account_id
    page.goto(PATH)
    assert token not in page.content()
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("section:has(#tokens-title) >> text=Revoke")
    if page.locator("dialog[open] button.btn-primary, dialog[open] .btn-danger").count():
        page.locator("dialog[open] button").last.click()
    _until(lambda: not _works(platform, token))


def test_the_dangerous_asks_again(at_account, platform, people, visitor):
    """After ten minutes a session alone changes neither tokens nor the second factor."""
    from sqlalchemy import update

    from kedge.model.session import Session

    page, who = at_account()
    with platform.services.database.transaction() as tx:
        mine = Session.account_id == who.account_id
        tx.execute(update(Session).where(mine).values(confirmed_until=None))
    page.goto(PATH)
    page.fill("#description", "x")
    page.click("text=Make a token")
    assert "Confirm that it is you" in page.inner_text("#problem-tokens")
    page.fill("#proof", PASSWORD)
    page.click("section:has(#confirm-title) button")
    page.wait_for_selector("text=Confirmed for ten minutes")


def _works(platform, token):
    try:
        return bool(accounts.authenticate(platform.services, token))
    except Unauthorized:
        return False


def _until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
