"""Every page as it is looked at: by eye, by readers of screens, and by those who mean harm."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from browser import table
from browser.world import EVIL, everything
from kedge.ops import config_vars

WIDTHS = (360, 700, 1000)
# Leads on by itself as soon as its script runs, so it is looked at without.
LEADS_ON = (table.OPEN, "/dashboard/sign-in/<token>")
EMPTY_SCRIPT = {"content_type": "text/javascript", "body": ""}


@pytest.fixture(scope="module")
def world(platform, people):
    """An installation with something on every page, written by people who mean harm."""
    with everything(platform, people) as made:
        yield made


class Looks:
    """What is wrong with the looks of pages, one line for each place."""

    def __init__(self, page):
        self.page, self.found, self._script = page, [], Axe().axe_script

    def at(self, name):
        """A page in light and wide, at widths between, and dark on a phone."""
        self.page.evaluate(self._script)
        self._note(name, "in light", self._violations())
        assert self.page.evaluate("window.bad") is None, name
        assert self.page.locator("main img, main script, main b:text-is('{{7*7}}')").count() == 0
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 800})
            self._note(name, f"at {width} pixels", self._too_wide())
        self.page.set_viewport_size({"width": 390, "height": 844})
        self.page.emulate_media(color_scheme="dark")
        self._note(name, "in dark on a phone", self._violations())
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": 1280, "height": 860})

    def _violations(self):
        """What axe finds, one line for each place."""
        found = self.page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
        return [
            f"{each['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
            for each in found
            for node in each["nodes"]
        ]

    def _too_wide(self):
        over = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return [f"{over} pixels too wide"] if over > 0 else []

    def _note(self, name, where, faults):
        self.found += [f"{name} {where}: {fault}" for fault in faults]


def test_every_page_is_clean(visitor, people, world):
    """Axe finds nothing, nothing is wider than its screen, and nothing anybody wrote is run."""
    page = visitor(people.cookie(world.owner))
    looks = Looks(page)
    platform = {f"{table.PLATFORM}{each}" for each in table.PLATFORM_PAGES}
    addresses = sorted(table.PAGES.keys() | table.OWN_PAGES | platform)
    failed = f"{table.OF_APP}/activity/v{world.failed}"
    for address in [*addresses, failed, "/dashboard/nothing", "/?q=nothing-is-called-so"]:
        if address in LEADS_ON or "reveal" in address:
            continue
        page.goto(table.filled(address, **world.parts))
        looks.at(address)
    assert looks.found == []


def test_the_pages_for_everybody_are_clean(visitor, world):
    """Signing in is for everybody too; so is a page that would lead on by itself."""
    page = visitor(once=True)
    page.route("**/kedge.js", lambda route: route.fulfill(**EMPTY_SCRIPT))
    looks = Looks(page)
    for address in [*sorted(table.PUBLIC_PAGES), "/dashboard/invitations/none"]:
        page.goto(table.filled(address, **world.parts))
        looks.at(address)
    assert looks.found == []


def test_what_is_opened_is_clean_too(visitor, people, world):
    """Menus, the switcher, a revealed value, questions, refusals and what is shown once."""
    page = visitor(people.cookie(world.owner))
    looks = Looks(page)
    page.goto(world.path())
    page.get_by_text("More", exact=True).click()
    looks.at("the menu of an app")
    page.get_by_text("Your account").locator("xpath=..").click()
    looks.at("the menu of the account")
    page.keyboard.press("/")
    page.keyboard.type(world.name)
    expect(page.get_by_role("option", name=world.name)).to_be_visible()
    looks.at("the switcher")
    page.goto(world.path("settings"))
    page.get_by_role("button", name="Reveal EVIL").click()
    expect(page.locator(".config-value").filter(has_text="window.bad")).to_have_text(EVIL)
    looks.at("a revealed value")
    page.get_by_role("button", name="Remove EVIL").or_(
        page.locator("#config-GREETING .btn-icon")
    ).last.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    looks.at("a question")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.goto(world.path("config", "edit"))
    page.get_by_label("Config vars").fill("GREETING=Moin\n")
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("button", name="Save and release")).to_be_visible()
    looks.at("changed config vars")
    page.goto(world.path("addons", world.parts["addon"], "destroy"))
    page.get_by_label("Type").fill(EVIL)
    page.get_by_role("button", name="Destroy").click()
    expect(page.get_by_role("alert")).to_be_visible()
    looks.at("a refusal")
    page.goto(f"{table.PLATFORM}/people")
    page.locator(".person-row summary").first.click()
    looks.at("the menu of a person")
    page.get_by_label("E-mail").fill("guest@example.com")
    page.get_by_role("button", name="Make a link").click()
    looks.at("an invitation's link")
    page.goto(table.ACCOUNT)
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator(".qr")).to_be_visible()
    looks.at("a second factor's code")
    page.get_by_label("What it is for").fill(EVIL)
    page.get_by_role("button", name="Make a token").click()
    looks.at("a token")
    assert looks.found == []


def test_a_value_is_edited_without_loss(signed_in, shop):
    """Quotes, markup, line ends and a leading newline survive the editor as they are."""
    values = {"EVIL": EVIL, "LINES": "\n two\n\n<b>", "SPACE": "  x  ", "QUOTE": 'it\'s "so" $HOME'}
    shop.config(**values)
    page = signed_in
    page.goto(shop.path("config", "edit"))
    text = page.get_by_label("Config vars")
    text.fill(text.input_value() + "NEW=1\n")
    page.get_by_role("button", name="Review changes").click()
    changes = page.locator(".change")
    expect(changes).to_have_count(1)
    assert changes.inner_text().split("\n")[-1] == "NEW"
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
    expect(skip).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
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
