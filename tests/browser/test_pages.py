"""What people do on the pages of an app."""

from __future__ import annotations

import re
import uuid

from playwright.sync_api import expect

from browser.places import wait_until
from kedge.ops import apps, config_vars


def test_a_first_app_is_made_and_says_how_to_push(signed_in, platform):
    """Who has no apps is told what to do; the new app's page has its git address to copy."""
    page = signed_in
    page.goto("/")
    expect(page.get_by_role("heading", name="Your first app")).to_be_visible()
    page.get_by_role("link", name="New app").first.click()
    name = f"made-{uuid.uuid4().hex[:8]}"
    page.get_by_label("Name").fill("Not A Name")
    page.get_by_role("button", name="Create app").click()
    expect(page.get_by_role("alert")).to_contain_text("lowercase letters")
    expect(page.get_by_label("Name")).to_have_value("Not A Name")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create app").click()
    expect(page).to_have_url(re.compile(f"/dashboard/apps/{name}/deploy"))
    expect(page.get_by_role("status")).to_contain_text(f"{name} is there")
    expect(page.get_by_text(f"git remote add kedge {platform.url}/{name}.git")).to_be_visible()


def test_a_config_var_is_masked_until_it_is_asked_for(signed_in, shop):
    """No page holds a value before somebody asks for that one; who did is noted."""
    page = signed_in
    page.goto(shop.path("settings"))
    assert "hunter2" not in page.content()
    page.get_by_role("button", name="Reveal STRIPE_KEY").click()
    expect(page.get_by_text("sk_live_hunter2hunter2")).to_be_visible()
    assert "Ahoy" not in page.content()
    page.get_by_role("link", name="Hide").click()
    expect(page.get_by_text("sk_live_hunter2hunter2")).to_have_count(0)


def test_config_vars_are_set_and_removed(signed_in, shop):
    """Each change is one release, and a wrong name is said beside what was typed."""
    page = signed_in
    page.goto(shop.path("settings"))
    page.get_by_label("Key", exact=True).fill("1WRONG")
    page.get_by_label("Value").fill("kept")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("alert")).to_contain_text("not starting with a digit")
    expect(page.get_by_label("Value")).to_have_value("kept")
    page.get_by_label("Key", exact=True).fill("COLOUR")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("status")).to_contain_text("COLOUR is set")
    page.get_by_role("button", name="Remove GREETING").click()
    page.get_by_role("dialog").get_by_role("button", name="Go on").click()
    expect(page.get_by_role("status")).to_contain_text("GREETING is removed")
    now = config_vars.read(shop.services, shop.owner, shop.name)
    assert now == {"COLOUR": "kept", "STRIPE_KEY": "sk_live_hunter2hunter2"}


def test_all_config_vars_are_edited_as_text_with_a_look_before(signed_in, shop):
    """The differences are shown before anything is saved, and they become one release."""
    page, before = signed_in, shop.version()
    page.goto(shop.path("settings"))
    page.get_by_role("link", name="Edit as text").click()
    text = page.get_by_label("Config vars")
    assert text.input_value() == "GREETING=Ahoy\nSTRIPE_KEY=sk_live_hunter2hunter2\n"
    text.fill("GREETING=Moin\nthis is no line\n")
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("alert")).to_contain_text("Line 2 is not KEY=value")
    page.get_by_label("Config vars").fill("GREETING=Moin\nNEW='a b'\n")
    page.get_by_role("button", name="Review changes").click()
    expect(page.locator(".change")).to_have_count(3)
    rows = [row.inner_text().split("\n")[-1] for row in page.locator(".change").all()]
    assert rows == ["GREETING", "NEW", "STRIPE_KEY"]
    assert shop.version() == before
    page.get_by_role("button", name="Save and release").click()
    expect(page.get_by_role("status")).to_contain_text("Changed GREETING, NEW, STRIPE_KEY")
    assert shop.version() == before + 1
    now = config_vars.read(shop.services, shop.owner, shop.name)
    assert now == {"GREETING": "Moin", "NEW": "a b"}


def test_two_people_who_change_the_same_config_var(signed_in, visitor, people, shop):
    """The second is told what the first changed, loses nothing typed, and overwrites nothing."""
    first, second = signed_in, visitor(people.cookie(shop.owner))
    for page in (first, second):
        page.goto(shop.path("config", "edit"))
    for page, value in ((first, "Moin"), (second, "Servus")):
        page.get_by_label("Config vars").fill(f"GREETING={value}\n")
        page.get_by_role("button", name="Review changes").click()
    first.get_by_role("button", name="Save and release").click()
    expect(first.get_by_role("status")).to_contain_text("Changed")
    second.get_by_role("button", name="Save and release").click()
    expect(second.get_by_role("alert")).to_contain_text("Somebody else has changed")
    expect(second.get_by_label("Config vars")).to_have_value("GREETING=Servus\n")
    assert config_vars.read(shop.services, shop.owner, shop.name) == {"GREETING": "Moin"}


def test_dynos_are_scaled_and_a_stale_page_is_told(signed_in, visitor, people, shop):
    """Only what differs is changed, and what somebody else scaled meanwhile is left alone."""
    first, second = signed_in, visitor(people.cookie(shop.owner))
    for page in (first, second):
        page.goto(shop.path("resources"))
        page.get_by_label("How many worker dynos").fill("2")
    first.get_by_role("button", name="Save").click()
    expect(first.get_by_role("status")).to_contain_text("Scaling worker to 2 x Standard-1X")
    second.get_by_label("How many worker dynos").fill("5")
    second.get_by_role("button", name="Save").click()
    expect(second.get_by_role("heading", name="Somebody else was faster")).to_be_visible()
    expect(second.get_by_text("scaled worker to 2 x Standard-1X")).to_be_visible()


def test_a_dyno_is_restarted(signed_in, shop):
    """The restart is noted in the app's log, with who asked for it."""
    page = signed_in
    page.goto(shop.path("resources"))
    page.get_by_role("button", name="Restart all").click()
    expect(page.get_by_role("status")).to_contain_text("Restarting all dynos")
    page.get_by_role("button", name="Restart web.1").click()
    expect(page.get_by_role("status")).to_contain_text("Restarting web.1")


def test_a_rollback_shows_what_changes_and_then_asks(signed_in, shop):
    """The difference comes first; a release made meanwhile is looked at before it is undone."""
    page = signed_in
    page.goto(shop.path("activity"))
    page.get_by_role("link", name="Roll back to v3").click()
    expect(page.get_by_role("heading", name=f"Roll {shop.name} back to v3?")).to_be_visible()
    changes = page.locator(".change")
    expect(changes.filter(has_text="STRIPE_KEY")).to_be_visible()
    expect(changes.filter(has_text="worker")).to_contain_text("celery -A tasks worker -c 2")
    newer = shop.config(GREETING="changed")
    page.get_by_role("button", name="Roll back to v3").click()
    expect(page.get_by_text(f"made release v{newer}")).to_be_visible()
    page.goto(shop.path("activity", "v3", "rollback"))
    page.get_by_role("button", name="Roll back to v3").click()
    expect(page.get_by_role("status")).to_contain_text(f"release v{newer + 1} is on its way out")
    expect(page.get_by_text("Rollback to v3")).to_be_visible()


def test_what_one_may_not_go_back_to_says_why(signed_in, shop):
    """A release without code has no button, and a reason instead."""
    page = signed_in
    page.goto(shop.path("activity", "v1", "rollback"))
    expect(page.get_by_text("it has no code")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Roll back"))).to_have_count(0)


def test_releases_are_compared(signed_in, shop):
    """A release is compared with the one before it, or with any."""
    page = signed_in
    page.goto(shop.path("activity", "v5"))
    expect(page.get_by_role("heading", name="What differs from v4")).to_be_visible()
    expect(page.locator(".change").filter(has_text="GREETING")).to_be_visible()
    page.get_by_label("Compare with").fill("v3")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="What differs from v3")).to_be_visible()
    expect(page.locator(".change").filter(has_text="Code")).to_be_visible()


def test_domains_buildpacks_maintenance_and_the_name(signed_in, shop):
    """The settings that are no release take effect at once, and refusals are said in place."""
    page = signed_in
    page.goto(shop.path("settings"))
    field = page.get_by_label("Add a domain of your own")
    field.fill("http://nonsense")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_contain_text("A domain is a host name")
    host = f"{shop.name}.example.com"
    page.get_by_label("Add a domain of your own").fill(host)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("button", name=f"Remove {host}")).to_be_visible()
    page.get_by_label("First").select_option("nodejs")
    page.locator("#buildpacks").get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("The next build uses nodejs")
    page.get_by_role("button", name="Begin maintenance").click()
    expect(page.locator(".app-head")).to_contain_text("Maintenance")
    page.get_by_label("The name its address begins with").fill(f"{shop.name}-2")
    page.get_by_role("button", name="Rename").click()
    expect(page).to_have_url(re.compile(f"{shop.name}-2/settings"))


def test_an_app_is_deleted_when_its_name_is_typed(signed_in, fresh):
    """Another name deletes nothing."""
    page = signed_in
    page.goto(fresh.path("settings"))
    page.get_by_role("link", name="Delete…").click()
    page.get_by_label(re.compile("Type")).fill("something")
    page.get_by_role("button", name=f"Delete {fresh.name}").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing was deleted")
    page.get_by_label(re.compile("Type")).fill(fresh.name)
    page.get_by_role("button", name=f"Delete {fresh.name}").click()
    expect(page.get_by_role("status")).to_contain_text("is being deleted")
    with fresh.services.database.transaction() as tx:
        assert tx.get_one(apps.App, fresh.app.id).deleting_at


def test_a_favourite_comes_first_and_the_star_keeps_the_focus(signed_in, shop, fresh):
    """A star is set without leaving the page, with the keyboard as well."""
    page = signed_in
    page.goto("/")
    star = page.get_by_role("button", name=f"{shop.name} is a favourite")
    star.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Favourites")).to_be_visible()
    expect(star).to_have_attribute("aria-pressed", "true")
    expect(star).to_be_focused()
    names = [row.inner_text() for row in page.locator(".app-row-name a").all()]
    assert names == [shop.name, fresh.name]


def test_apps_are_found_while_one_types(signed_in, shop, fresh):
    """The list follows what is typed, the address too, and nothing found is said."""
    page = signed_in
    page.goto("/")
    field = page.get_by_label("Find apps by name")
    field.press_sequentially("shop-")
    expect(page.get_by_role("link", name=fresh.name)).to_have_count(0)
    expect(page.get_by_role("link", name=shop.name)).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?q=shop-"))
    expect(field).to_be_focused()
    field.press_sequentially("zzz")
    expect(page.get_by_role("heading", name="No app is called so")).to_be_visible()


def test_the_keyboard_leads_to_an_app(signed_in, shop):
    """A slash goes to the switcher; arrows choose, Enter goes, Escape leaves."""
    page = signed_in
    page.goto("/dashboard/new")
    page.get_by_role("heading", name="New app").click()
    page.keyboard.press("/")
    switcher = page.get_by_role("combobox", name="Go to an app")
    expect(switcher).to_be_focused()
    page.keyboard.type(shop.name)
    expect(page.get_by_role("option", name=shop.name)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=shop.name, level=1)).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")


def test_light_and_dark_are_kept(signed_in):
    """The switch takes effect at once, and after a reload."""
    page = signed_in
    page.goto("/")
    page.locator("summary", has=page.locator("svg")).first.click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    wait_until(lambda: "kedge-theme" in {c["name"] for c in page.context.cookies()})
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark == "rgb(13, 15, 19)"


def test_a_push_can_be_built_again(signed_in, shop, platform):
    """What was never pushed here is said in place; nothing pushed at all has no form."""
    page = signed_in
    page.goto(shop.path("deploy"))
    expect(page.get_by_text("Nothing has been pushed yet")).to_be_visible()


def test_more_apps_than_a_page_holds(visitor, people, platform):
    """The list goes on behind its first page, and back."""
    from kedge.model.app import App

    many = people.make()
    with platform.services.database.transaction() as tx:
        tx.add_all(
            App(name=f"m{uuid.uuid4().hex[:12]}", owner_id=many.account_id) for _ in range(53)
        )
    page = visitor(people.cookie(many))
    page.goto("/")
    expect(page.locator(".app-row")).to_have_count(50)
    page.get_by_role("link", name="Next page").click()
    expect(page.locator(".app-row")).to_have_count(3)
    page.get_by_role("link", name="First page").click()
    expect(page.locator(".app-row")).to_have_count(50)
