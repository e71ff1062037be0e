"""Add-ons in the browser: found, made, attached, opened, shared, moved and destroyed."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import expect

from kedge.ops import addon_directory, addon_services, addons, config_vars, provisioning
from providers.third_party import ThirdParty

EVIL = """"'><script>window.bad=1</script><img src=x onerror="window.bad=1">"""


@pytest.fixture
def provider(platform):
    """A provider of somebody else's, registered under a name of its own."""
    with ThirdParty(f"db-{uuid.uuid4().hex[:8]}") as running:
        manifest = running.manifest(
            name=f"Fast {running.service}", description="Rows & columns", icon="database",
            docs_url="https://example.com/docs", primary="DATABASE",
        )  # fmt: skip
        addon_services.register(platform.services, None, manifest)
        yield running


@pytest.fixture
def database(shop, provider):
    """An add-on of the shop."""
    made = addons.create(shop.services, shop.owner, shop.name, provider.service)
    shop.go_live()
    return made


def test_from_the_search_to_the_provider_s_own_page(signed_in, shop, provider):
    """Found while typing, made in a plan, attached by a release, opened signed in."""
    page = signed_in
    page.goto(shop.path("resources"))
    page.get_by_role("link", name="Find more").click()
    page.get_by_label("Find add-ons").press_sequentially(provider.service)
    expect(page.locator(".service")).to_have_count(1)
    page.get_by_role("link", name=f"Fast {provider.service}").click()
    page.get_by_label("Team").check()
    page.get_by_role("button", name="Make and attach").click()
    row = page.locator(".addon-row")
    expect(row).to_contain_text("DATABASE")
    expect(row).to_contain_text("Team")
    expect(row.locator(".status")).to_have_text("Ready")
    page.goto(shop.path())
    expect(page.get_by_text(re.compile(r"Attach DATABASE \(@ref:"))).to_be_visible()
    assert "DATABASE_URL" in config_vars.read(shop.services, shop.owner, shop.name)
    page.goto(shop.path("resources"))
    with page.expect_popup() as opened:
        page.get_by_role("link", name=re.compile("^Open db-")).click()
    opened.value.wait_for_url(re.compile(re.escape(provider.url)))
    (call,) = [each for each in provider.calls if each.path.startswith("/sso")]
    assert f"app={shop.name}" in str(call.body) or shop.name in str(call.body)


def test_what_a_provider_refuses_is_said_in_place(signed_in, shop, provider):
    """Its words are shown beside the plans, as words, and nothing is left behind."""
    provider.next(status=422, payload={"message": f"No more room {EVIL}"})
    page = signed_in
    page.goto(shop.path("resources", "addons", provider.service))
    page.get_by_role("button", name="Make and attach").click()
    expect(page.get_by_role("alert")).to_contain_text("No more room")
    assert page.evaluate("window.bad") is None
    assert addon_directory.list_of_app(shop.services, shop.owner, shop.name) == []


def test_a_provider_that_is_away_is_waited_for_on_the_page(signed_in, shop, provider):
    """The add-on is there at once, says what it waits for, and becomes ready without a reload."""
    provider.then(status=503)
    page = signed_in
    page.goto(shop.path("resources", "addons", provider.service))
    page.get_by_role("button", name="Make and attach").click()
    expect(page.get_by_text("is on its way")).to_be_visible(timeout=15_000)
    row = page.locator(".addon-row")
    expect(row).to_contain_text("Creating")
    expect(row.locator(".addon-told")).to_contain_text("It is asked again by itself")
    provider.then()
    (made,) = addon_directory.list_of_app(shop.services, shop.owner, shop.name)
    with shop.services.database.transaction() as tx:
        tx.get_one(type(made), made.id).try_at = shop.services.now()
    provisioning.advance(shop.services, made.id)
    expect(row).to_contain_text("Ready")
    expect(row.locator(".addon-told")).to_have_count(0)


def test_one_add_on_for_two_apps(signed_in, shop, fresh, database):
    """Attached to another app under a name, detached there; it stays where it is from."""
    page = signed_in
    page.goto(fresh.path("attach"))
    page.get_by_label("Add-on").select_option(database.name)
    page.get_by_label(re.compile("Name, if not")).fill("orders")
    page.get_by_role("button", name="Attach").click()
    row = page.locator(".addon-row")
    expect(row).to_contain_text("ORDERS")
    expect(row).to_contain_text(f"of {shop.name}")
    row.get_by_label(f"More for {database.name}").click()
    page.get_by_role("button", name="Detach ORDERS").click()
    page.get_by_role("dialog").get_by_role("button", name="Go on").click()
    expect(page.get_by_role("status").first).to_contain_text("ORDERS is detached")
    expect(page.get_by_text("No add-ons yet")).to_be_visible()
    page.goto(shop.path("resources"))
    expect(page.locator(".addon-row")).to_contain_text("DATABASE")


def test_a_plan_is_changed_once(signed_in, visitor, people, shop, database):
    """Who looks at an older plan is told that it was changed meanwhile."""
    first, second = signed_in, visitor(people.cookie(shop.owner))
    for page in (first, second):
        page.goto(shop.path("addons", database.name, "plan"))
        page.get_by_label("Team").check()
    first.get_by_role("button", name="Change the plan").click()
    expect(first.get_by_text("is on Team now")).to_be_visible()
    second.get_by_role("button", name="Change the plan").click()
    expect(second.get_by_text(re.compile("Somebody else has moved"))).to_be_visible()


def test_an_add_on_is_destroyed_when_its_name_is_typed(signed_in, shop, fresh, database):
    """The question names every app that loses it."""
    from kedge.ops import attachments

    attachments.attach(shop.services, shop.owner, database.name, fresh.name, "SHARED")
    page = signed_in
    page.goto(shop.path("addons", database.name, "destroy"))
    expect(page.locator(".change").filter(has_text=fresh.name)).to_contain_text("SHARED")
    page.get_by_label(re.compile("Type")).fill("something")
    page.get_by_role("button", name=f"Destroy {database.name}").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing was destroyed")
    page.get_by_label(re.compile("Type")).fill(database.name)
    page.get_by_role("button", name=f"Destroy {database.name}").click()
    expect(page.get_by_role("status").first).to_contain_text("is destroyed")
    assert addon_directory.list_of_app(shop.services, shop.owner, shop.name) == []


def test_config_vars_of_an_add_on_are_its_own(signed_in, shop, database):
    """They can be read, name their add-on, and are in no form that changes config vars."""
    page = signed_in
    page.goto(shop.path("settings"))
    row = page.locator("#config-DATABASE_URL")
    expect(row.get_by_role("link", name=f"of {database.name}")).to_be_visible()
    expect(row.get_by_role("button", name="Remove DATABASE_URL")).to_have_count(0)
    row.get_by_role("button", name="Reveal DATABASE_URL").click()
    expect(row).to_contain_text("fast://user:")
    page.goto(shop.path("config", "edit"))
    text = page.get_by_label("Config vars")
    assert "DATABASE" not in text.input_value()
    text.fill(text.input_value() + "DATABASE_URL=mine\n")
    page.get_by_role("button", name="Review changes").click()
    page.get_by_role("button", name="Save and release").click()
    expect(page.get_by_role("alert")).to_contain_text("Cannot overwrite attachment values")


def test_what_a_manifest_says_is_words(visitor, people, shop, platform, provider):
    """Names, descriptions and attributes of somebody else's service are never markup."""
    plans = [{"name": "free", "human_name": EVIL, "description": EVIL, "attributes": {EVIL: EVIL}}]
    manifest = provider.manifest(name=EVIL[:90], description=EVIL, icon="no-such-icon", plans=plans)
    addon_services.register(platform.services, None, manifest)
    addons.create(shop.services, shop.owner, shop.name, provider.service)
    page = visitor(people.cookie(shop.owner))
    for path in ("resources", "resources/addons", f"resources/addons/{provider.service}"):
        page.goto(shop.path(path))
        expect(page.get_by_text("window.bad=1").first).to_be_visible()
        assert page.evaluate("window.bad") is None
        assert page.locator("main img, main script").count() == 0
