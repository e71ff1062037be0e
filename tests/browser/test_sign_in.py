"""Signing in and out, by every way there is."""

from __future__ import annotations

import re

import pyotp
from playwright.sync_api import expect

from browser.conftest import PASSWORD
from kedge.ops import sign_in_links, two_factor, users


def enter(page, email, password):
    """Fill the form in and send it."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_a_page_that_was_wanted_comes_after_the_sign_in(visitor, owner, shop):
    """Who is not signed in is asked to, and goes on to where they wanted to be."""
    page = visitor()
    page.goto(shop.path("activity"))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text("kedge dashboard")).to_be_visible()
    enter(page, owner.email, PASSWORD)
    expect(page).to_have_url(re.compile(f"{shop.path('activity')}$"))


def test_what_was_wrong_is_not_told(visitor, owner):
    """An unknown e-mail and a wrong password get the same words; the e-mail typed stays."""
    page = visitor()
    page.goto("/")
    enter(page, owner.email, "a wrong password")
    expect(page.get_by_role("alert")).to_have_text("That e-mail, password or code is not right.")
    expect(page.get_by_label("E-mail")).to_have_value(owner.email)
    expect(page.get_by_label("Password", exact=True)).to_have_value("")
    enter(page, "nobody@example.com", PASSWORD)
    expect(page.get_by_role("alert")).to_have_text("That e-mail, password or code is not right.")


def test_the_second_step_asks_for_a_code(visitor, people, owner):
    """With a second factor the password alone signs nobody in; a wrong code can be tried again."""
    enrolment = two_factor.begin(people.services, owner)
    totp = pyotp.TOTP(enrolment.secret)
    used = totp.now()
    recovery = two_factor.finish(people.services, owner, used)
    page = visitor()
    page.goto("/")
    enter(page, owner.email, PASSWORD)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    assert PASSWORD not in page.content()
    page.get_by_label("Code").fill(used)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("was used before")
    page.get_by_label("Code").fill(recovery[0])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Your first app")).to_be_visible()


def test_a_link_signs_in_once(visitor, people, owner):
    """Reading a link spends nothing; its page signs in by itself; the second time it is refused."""
    link = sign_in_links.create(people.services, owner)
    reader = people.client()
    assert reader.get(f"/sign-in/{link}").status_code == 303
    assert reader.get(f"/dashboard/sign-in/{link}").status_code == 200
    page = visitor()
    page.goto(f"/sign-in/{link}")
    expect(page.get_by_role("heading", name="Your first app")).to_be_visible()
    other = visitor()
    other.goto(f"/dashboard/sign-in/{link}")
    expect(other.get_by_role("alert")).to_contain_text("has been used")
    other.goto("/")
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_link_of_somebody_else_s_signs_nobody_over(signed_in, people, owner):
    """Who is signed in is asked before a link makes them somebody else."""
    link = sign_in_links.create(people.services, people.make())
    page = signed_in
    page.goto(f"/dashboard/sign-in/{link}")
    expect(page.get_by_text(f"You are signed in here as {owner.email}")).to_be_visible()
    page.get_by_role("link", name="Stay as you are").click()
    expect(page.get_by_role("heading", name="Your first app")).to_be_visible()


def test_an_invitation_makes_an_account(visitor, people, platform):
    """A name and a password, and one is in; a short password is refused in words."""
    boss = people.make(is_owner=True)
    _, token = users.invite(platform.services, boss, f"new-{boss.email}")
    page = visitor()
    page.goto(f"/dashboard/invitations/{token}")
    expect(page.get_by_text(f"You sign in as new-{boss.email}")).to_be_visible()
    page.get_by_label("Your name").fill("<b>Ada</b>")
    page.get_by_label("Password", exact=True).fill(f"new-{boss.email}")
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("<b>Ada</b>")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("heading", name="Your first app")).to_be_visible()
    page.get_by_text("Your account").locator("xpath=..").click()
    expect(page.get_by_text("<b>Ada</b>")).to_be_visible()
    page.goto(f"/dashboard/invitations/{token}")
    expect(page.get_by_role("heading", name="This link leads nowhere")).to_be_visible()


def test_after_a_sign_out_the_back_button_brings_nothing(signed_in, shop):
    """No page is kept by the browser: what was seen before is not seen again."""
    page = signed_in
    page.goto(shop.path("settings"))
    page.get_by_text("Your account").locator("xpath=..").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "STRIPE_KEY" not in page.content()


def test_another_tab_notices_the_sign_out(signed_in, platform, shop):
    """An open page does not stay when its session has ended, though nobody touches it."""
    page = signed_in
    page.goto(shop.path())
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    other = page.context.new_page()
    other.goto("/")
    other.get_by_text("Your account").locator("xpath=..").click()
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_guessing_is_slowed_down(visitor, owner, people):
    """After ten failures of an account even the right password waits, and one is told how long."""
    page = visitor()
    page.goto("/dashboard/sign-in")
    client = people.client()
    form = _form_of(client, "/dashboard/sign-in")
    for number in range(10):
        wrong = {**form, "email": owner.email, "password": f"guess {number}"}
        assert client.post("/dashboard/sign-in", data=wrong).status_code == 401
    enter(page, owner.email, PASSWORD)
    expect(page.get_by_role("heading", name="Too many attempts")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("Try again in")
    refused = client.post(
        "/dashboard/sign-in", data={**form, "email": owner.email, "password": PASSWORD}
    )
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900


def _form_of(client, path):
    """The hidden token of a page's form."""
    found = re.search(r'name="token" value="([^"]+)"', client.get(path).text)
    return {"token": found[1]}
