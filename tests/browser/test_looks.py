"""Every page as it is looked at: by eye, by readers of screens, and by those who mean harm."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from kedge.ops import config_vars

# What people and programs may write somewhere; none of it may become markup or run.
EVIL = """"'><script>window.bad=1</script><img src=x onerror="window.bad=1"><b>{{7*7}}"""
LOOKS = {
    "light": {},
    "dark": {"dark": True, "phone": True},
}


@pytest.fixture
def attacked(shop):
    """An app whose config, log, commits, output and failures hold what would be markup."""
    shop.config(EVIL=EVIL)
    shop.build(EVIL, output=EVIL.encode() + b"\n\x1b[31m" + EVIL.encode())
    shop.fail(EVIL)
    shop.log(EVIL, f"\x1b[32m{EVIL}")
    shop.log(f"request_id={EVIL}", process="router", source="heroku")
    failure = {"reason": EVIL, "last_lines": [EVIL], "dyno": EVIL, "command": EVIL}
    shop.dyno(ordinal=2, state="crashed", failure=failure)
    shop.last_build = shop.build(EVIL, run=False, output=EVIL.encode())
    return shop


def pages_of(shop):
    """Every page there is, by name."""
    return {
        "apps": "/",
        "new": "/dashboard/new",
        "overview": shop.path(),
        "resources": shop.path("resources"),
        "deploy": shop.path("deploy"),
        "build": shop.path("deploy", "builds", shop.last_build.id),
        "activity": shop.path("activity"),
        "release": shop.path("activity", "v4"),
        "failed": shop.path("activity", f"v{shop.version()}"),
        "rollback": shop.path("activity", "v3", "rollback"),
        "access": shop.path("access"),
        "logs": shop.path("logs"),
        "settings": shop.path("settings"),
        "edit": shop.path("config", "edit"),
        "delete": shop.path("settings", "delete"),
        "missing": "/dashboard/nothing",
    }


def test_no_page_is_wider_than_its_screen(visitor, people, attacked):
    """On a phone and on a small tablet, nothing has to be scrolled sideways."""
    page, found = visitor(people.cookie(attacked.owner)), {}
    for name, path in pages_of(attacked).items():
        page.goto(path)
        for width in (360, 700, 1000):
            page.set_viewport_size({"width": width, "height": 800})
            too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if too_wide > 0:
                found[f"{name} at {width}"] = too_wide
    assert found == {}


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_clean(visitor, people, attacked, look):
    """Axe finds nothing, nothing is wider than the screen, and nothing anybody wrote is run."""
    page = visitor(people.cookie(attacked.owner), **LOOKS[look])
    axe, found = Axe(), {}
    for name, path in pages_of(attacked).items():
        page.goto(path)
        if faults := violations(axe, page):
            found[name] = faults
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if too_wide > 0:
            found[f"{name} is too wide"] = too_wide
        assert page.evaluate("window.bad") is None, name
        assert page.locator("main img, main script, main b:text-is('{{7*7}}')").count() == 0, name
    assert found == {}


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_for_everybody_are_clean(visitor, look):
    """Signing in is for everybody too."""
    page = visitor(**LOOKS[look])
    axe = Axe()
    for path in ("/dashboard/sign-in", "/dashboard/invitations/none"):
        page.goto(path)
        assert violations(axe, page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_what_is_opened_is_clean_too(signed_in, attacked):
    """Menus, the switcher, a revealed value and the question before a removal, as axe sees them."""
    page, axe = signed_in, Axe()
    page.goto(attacked.path())
    page.get_by_text("More", exact=True).click()
    assert violations(axe, page) == []
    page.get_by_text("Your account").locator("xpath=..").click()
    assert violations(axe, page) == []
    page.keyboard.press("/")
    expect(page.get_by_role("option", name=attacked.name)).to_be_visible()
    assert violations(axe, page) == []
    page.goto(attacked.path("settings"))
    page.get_by_role("button", name="Reveal EVIL").click()
    expect(page.locator(".config-value").filter(has_text="window.bad")).to_have_text(EVIL)
    assert violations(axe, page) == []
    page.get_by_role("button", name="Remove EVIL").or_(
        page.locator("#config-GREETING .btn-icon")
    ).last.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(axe, page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("window.bad") is None


def test_a_value_is_edited_without_loss(signed_in, shop):
    """Quotes, markup, line ends and a leading newline survive the editor as they are."""
    values = {"EVIL": EVIL, "LINES": "\n two\n\n<b>", "SPACE": "  x  ", "QUOTE": 'it\'s "so" $HOME'}
    shop.config(**values)
    page = signed_in
    page.goto(shop.path("config", "edit"))
    text = page.get_by_label("Config vars")
    text.fill(text.input_value() + "NEW=1\n")
    page.get_by_role("button", name="Review changes").click()
    assert [row.inner_text().split("\n")[-1] for row in page.locator(".change").all()] == ["NEW"]
    page.get_by_role("button", name="Save and release").click()
    expect(page.get_by_role("status")).to_contain_text("Changed NEW")
    now = config_vars.read(shop.services, shop.owner, shop.name)
    assert {key: now[key] for key in values} == values


def test_a_page_can_be_walked_through_by_keyboard(signed_in, shop):
    """The skip link is first and works; what has the focus is seen; Escape closes a menu."""
    page = signed_in
    page.goto(shop.path())
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    assert skip.bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    menu = page.locator(".app-actions summary")
    menu.focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Restart all dynos")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Restart all dynos")).to_be_hidden()
    expect(menu).to_be_focused()


def test_without_scripts_everything_still_works(visitor, people, shop):
    """Pages, forms, menus, reveal and search are HTML; scripts only add to them."""
    page = visitor(people.cookie(shop.owner), scripts=False)
    page.goto("/")
    page.get_by_label("Find apps by name").fill(shop.name)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name=shop.name, exact=True).click()
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("button", name="Reveal GREETING").click()
    expect(page.get_by_text("Ahoy")).to_be_visible()
    page.get_by_label("Key", exact=True).fill("PLAIN")
    page.get_by_label("Value", exact=True).fill("html")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_text("PLAIN is set")).to_be_visible()
    page.get_by_role("link", name="Resources").click()
    page.get_by_label("How many worker dynos").fill("1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Scaling worker to 1")).to_be_visible()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Begin maintenance mode").click()
    expect(page.get_by_text("Maintenance mode is on")).to_be_visible()


def violations(axe, page):
    """What axe finds, one line for each place."""
    found = axe.run(page).response["violations"]
    return [
        f"{each['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
        for each in found
        for node in each["nodes"]
    ]
