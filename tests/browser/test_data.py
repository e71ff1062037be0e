"""The Data page of a database: how it is, its backups live, and what one may do with it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser.database import databases, verified
from kedge.ops import backups

EVIL = """"'><script>window.bad=1</script><img src=x onerror="window.bad=1">"""


@pytest.fixture
def database(shop):
    """A Postgres database of the shop and its provider."""
    with databases(shop) as made:
        yield made


def test_a_backup_is_followed_to_its_proof(signed_in, shop, database):
    """Captured by a click; its progress and its mark appear without a reload."""
    provider, _ = database
    page = signed_in
    page.goto(shop.path("resources"))
    page.locator(".addon-row a[href*='/data/']").first.click()
    expect(page.get_by_text("3 of 20")).to_be_visible()
    page.get_by_role("button", name="Capture").click()
    line = page.locator(".data-line")
    expect(line).to_contain_text("Waiting")
    provider.transfers[0] |= {
        "state": "verifying", "size_bytes": 1000, "restored_bytes": 250, "source_bytes": 5000,
    }  # fmt: skip
    expect(line).to_contain_text("Being proved")
    expect(line.get_by_role("img", name="25.0 percent")).to_be_visible()
    provider.transfers[0] |= {"state": "verified", "tables": 3, "rows": 5700,
                              "restore_seconds": 2.5}  # fmt: skip
    expect(line.locator(".status")).to_have_text("Verified")
    expect(line).to_contain_text("5,700 rows in 3 tables, restored to prove it in 2.5 s")


def test_a_restore_needs_the_name(signed_in, shop, database):
    """Another name changes nothing; the name begins it, and back on the page it goes on."""
    provider, addon = database
    verified(provider)
    page = signed_in
    page.goto(shop.path("data", addon.name))
    page.get_by_label("More for b001").click()
    page.get_by_role("link", name="Restore…").click()
    page.get_by_label(re.compile("^Type ")).fill("something")
    page.get_by_role("button", name="Restore b001").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing was changed")
    assert len(provider.transfers) == 1
    page.get_by_label(re.compile("^Type ")).fill(addon.name)
    page.get_by_role("button", name="Restore b001").click()
    expect(page.locator(".data-line").first).to_contain_text("r002")
    assert ("POST", "/restores") in [asked[:2] for asked in provider.seam()]


def test_what_failed_is_red_and_words_are_words(signed_in, shop, database):
    """A provider's reasons, queries and alerts are shown as text, whatever they hold."""
    provider, addon = database
    provider.transfer("backup", "failed", reason=f"No room {EVIL}")
    backups.alert(shop.services, addon, f"Backup b001 failed: No room {EVIL}", "backup")
    page = signed_in
    page.goto(shop.path("data", addon.name))
    expect(page.locator(".data-line .tone-bad")).to_have_text("Failed")
    expect(page.locator("#alerts")).to_contain_text("Backup b001 failed: No room")
    expect(page.locator("#queries")).to_contain_text("select * from orders")
    assert page.evaluate("window.bad") is None


def test_daily_backups_begin_and_stop(signed_in, shop, database):
    """By two fields of a form; the page says when, and stops them by a click."""
    _, addon = database
    page = signed_in
    page.goto(shop.path("data", addon.name))
    page.get_by_label("Hour").select_option("3")
    page.get_by_label("Time zone").fill("Europe/Zurich")
    page.get_by_role("button", name="Back up daily").click()
    expect(page.locator(".data-daily")).to_contain_text("Every day at 03:00 Europe/Zurich")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".data-daily")).to_have_count(0)


def test_a_provider_that_is_away(signed_in, shop, database):
    """The page is there, and says that the provider does not answer."""
    provider, addon = database
    provider.fails = (500, {})
    page = signed_in
    page.goto(shop.path("data", addon.name))
    expect(page.get_by_text(re.compile("does not answer|Try again later")).first).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile(addon.name))).to_be_visible()


def test_settings_of_a_redis_instance(signed_in, shop):
    """What happens when the memory is full is chosen; what the provider refuses is said."""
    with databases(shop, "heroku-redis") as (provider, addon):
        page = signed_in
        page.goto(f"/dashboard/addons/{addon.name}")
        page.get_by_label("When the memory is full").select_option("allkeys-lru")
        page.get_by_role("button", name="Change", exact=True).click()
        expect(page.get_by_text("has these settings")).to_be_visible()
        assert provider.config["maxmemory_policy"] == "allkeys-lru"
        page.get_by_label("When the memory is full").select_option("volatile-ttl")
        page.get_by_role("button", name="Change", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("There is no such policy")
