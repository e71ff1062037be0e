"""Open pages: what changes elsewhere appears on them, and nothing else moves."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from browser.places import wait_until
from kedge.ops import collaborators

LIVE = "[data-live-state]"


def watch(page, path):
    """Open a page and wait until it listens."""
    page.goto(path)
    expect(page.locator(LIVE)).to_have_text("Live")
    return page


def test_a_deploy_begun_elsewhere_appears_without_a_reload(signed_in, visitor, people, shop):
    """Two people see the same: the build, its release on its way out, and then live."""
    pages = [watch(each, shop.path()) for each in (signed_in, visitor(people.cookie(shop.owner)))]
    for page in pages:
        page.evaluate("window.same = 'page'")
    build = shop.build("Faster search", run=False)
    for page in pages:
        expect(page.locator(".app-head .chip")).to_have_text("Building")
        expect(page.get_by_text("Faster search")).to_be_visible()
    shop.finish(build)
    for page in pages:
        expect(page.locator(".app-head .chip")).to_have_text("Deploying")
    version = shop.go_live()
    for page in pages:
        expect(page.locator(".app-head .chip")).to_have_text("Answering")
        expect(page.locator(".app-live")).to_contain_text(f"v{version}")
        assert page.evaluate("window.same") == "page"


def test_a_crash_is_explained_where_one_looks(signed_in, shop):
    """The cause record appears on the open overview, and goes when the dyno is up again."""
    page = watch(signed_in, shop.path())
    dyno = shop.dyno(ordinal=2)
    expect(page.get_by_text("web.2")).to_be_visible()
    failure = {"reason": "It ended with status 3", "exit_status": 3, "last_lines": ["<i>boom</i>"]}
    shop.change_dyno(dyno, state="crashed", failure=failure)
    expect(page.get_by_role("heading", name="Something is wrong")).to_be_visible()
    expect(page.get_by_text("output: <i>boom</i>")).to_be_visible()
    shop.change_dyno(dyno, state="up", failure=None)
    expect(page.get_by_role("heading", name="Something is wrong")).to_have_count(0)


def test_what_one_is_at_stays_as_it_is(signed_in, shop):
    """Focus, a half-filled form, open details and the place one has scrolled to are kept."""
    page = watch(signed_in, shop.path("resources"))
    page.set_viewport_size({"width": 1280, "height": 500})
    field = page.get_by_label("How many worker dynos")
    field.fill("7")
    page.mouse.wheel(0, 120)
    wait_until(lambda: page.evaluate("scrollY") > 0)
    before = page.evaluate("scrollY")
    shop.dyno("worker")
    expect(page.get_by_role("link", name="worker.1")).to_be_visible()
    expect(field).to_have_value("7")
    expect(field).to_be_focused()
    assert page.evaluate("scrollY") == before


def test_only_what_changed_is_touched(signed_in, shop):
    """A row that did not change is the same element afterwards, and stays focused."""
    dyno = shop.dyno(ordinal=2)
    page = watch(signed_in, shop.path("resources"))
    button = page.get_by_role("button", name="Restart web.1", exact=True)
    button.focus()
    page.evaluate("window.row = document.activeElement.closest('li')")
    shop.change_dyno(dyno, state="crashed")
    expect(page.locator(".dyno-row").nth(1)).to_contain_text("Crashed")
    assert page.evaluate("window.row === document.activeElement.closest('li')")


MENU = '<ul><li id="a"><b>a</b> <details class="menu"><summary>More</summary></details></li></ul>'
CHIP = MENU.replace("</b> ", '</b> <details class="chip"><summary>New</summary></details> ')
FIRST = MENU.replace("<ul>", '<ul><li id="b"><b>b</b></li>')


@pytest.mark.parametrize(
    ("before", "after"),
    [(MENU, CHIP), (CHIP, MENU), (MENU, FIRST), (FIRST, MENU), (CHIP, FIRST)],
    ids=["chip comes", "chip goes", "row comes", "row goes", "both"],
)
def test_an_open_menu_stays_the_one_it_is(signed_in, before, after):
    """What comes or goes beside it neither closes an open menu nor takes its focus."""
    page = signed_in
    page.goto("/")
    has, wanted = page.evaluate(
        """async ([before, after]) => {
        const script = document.querySelector("script[type=module]").src;
        const { morphChildren } = await import(script.replace(/kedge[^/]*$/, "morph.js"));
        const made = (html) => Object.assign(document.createElement("div"), { innerHTML: html });
        const here = made(before);
        document.body.append(here);
        const menu = here.querySelector(".menu");
        menu.open = true;
        menu.querySelector("summary").focus();
        morphChildren(here, made(after));
        const isSame = here.querySelector(".menu") === menu && menu.open;
        const isKept = isSame && menu.contains(document.activeElement);
        menu.open = false;
        menu.removeAttribute("open");
        return [isKept && here.innerHTML, made(after).innerHTML];
    }""",
        [before, after],
    )
    assert has == wanted


def test_the_output_of_a_build_grows_on_the_page(signed_in, shop):
    """Lines come as they are written, coloured and never as markup, and the end is told."""
    build = shop.build("One", run=False, output=b"-----> First\n       \x1b[32mgreen <b>\x1b[0m")
    page = watch(signed_in, shop.path("deploy", "builds", build.id))
    lines = page.get_by_role("log")
    expect(lines.locator(".t-green")).to_have_text("green <b>")
    shop.print(build.output_id, b" and more\n-----> Second <script>window.bad = 1</script>\n")
    expect(lines).to_contain_text("green <b> and more")
    expect(lines).to_contain_text("<script>window.bad = 1</script>")
    shop.finish(build)
    expect(page.locator(".card .chip")).to_have_text("Succeeded")
    expect(lines).to_contain_text(f"Released v{shop.version()}")
    expect(page.locator("[data-output]")).to_have_attribute("data-done", "")
    assert page.evaluate("window.bad") is None


def test_an_output_follows_its_end_unless_one_has_scrolled_up(signed_in, shop):
    """Who reads further up is left there, with a way back down."""
    build = shop.build("Long", run=False, output=b"".join(b"line %d\n" % n for n in range(300)))
    page = watch(signed_in, shop.path("deploy", "builds", build.id))
    lines, jump = page.get_by_role("log"), page.get_by_role("button", name="Newest lines")
    bottom = "e => e.scrollHeight - e.scrollTop - e.clientHeight < 40"
    wait_until(lambda: lines.evaluate(bottom))
    shop.print(build.output_id, b"line 300\n")
    expect(lines).to_contain_text("line 300")
    wait_until(lambda: lines.evaluate(bottom))
    lines.evaluate("e => { e.scrollTop = 50 }")
    expect(jump).to_be_visible()
    shop.print(build.output_id, b"line 301\n")
    expect(lines).to_contain_text("line 301")
    assert lines.evaluate("e => e.scrollTop") == 50
    jump.click()
    wait_until(lambda: lines.evaluate(bottom))


def test_the_log_is_followed_paused_and_searched(signed_in, shop):
    """New lines appear; paused ones wait; a request's id leads to all of its lines."""
    shop.log("at=info path=/ request_id=6f1ed002-aaaa host=x status=200", process="router",
             source="heroku")  # fmt: skip
    shop.log("basket 6f1ed002-aaaa <img src=x onerror=alert(1)>", "another line")
    page = watch(signed_in, shop.path("logs"))
    rows = page.get_by_role("log")
    expect(rows).to_contain_text("<img src=x onerror=alert(1)>")
    shop.log("fresh line")
    expect(rows).to_contain_text("fresh line")
    page.get_by_role("button", name="Pause").click()
    shop.log("held line")
    expect(page.get_by_role("button", name="Go on (1 new)")).to_be_visible()
    assert "held line" not in rows.inner_text()
    page.get_by_role("button", name="Go on (1 new)").click()
    expect(rows).to_contain_text("held line")
    page.get_by_role("link", name="6f1ed002-aaaa").click()
    expect(page).to_have_url(re.compile("text=6f1ed002-aaaa"))
    expect(page.get_by_role("log").locator(".line")).to_have_count(2)
    page.get_by_label("Source").select_option("heroku")
    expect(page.get_by_role("log").locator(".line")).to_have_count(1)
    expect(page.locator(LIVE)).to_have_text("Live")
    shop.log("at=info request_id=6f1ed002-aaaa again", "no match", process="router",
             source="heroku")  # fmt: skip
    expect(page.get_by_role("log").locator(".line")).to_have_count(2)


def test_a_process_has_its_own_log(signed_in, shop):
    """A dyno's link leads to its lines alone."""
    shop.log("from the web")
    shop.log("from the worker", process="worker.1")
    page = signed_in
    page.goto(shop.path("resources"))
    page.get_by_role("link", name="web.1").click()
    expect(page.get_by_role("log")).to_contain_text("from the web")
    expect(page.get_by_role("log")).not_to_contain_text("from the worker")
    expect(page.get_by_label("Process")).to_have_value("web.1")


def test_who_is_removed_from_an_app_sees_it_no_longer(visitor, people, shop):
    """An open page goes as soon as its reader may not see it; lesser permissions change it."""
    guest = people.make()
    collaborators.add(shop.services, shop.owner, shop.name, guest.email, ["view", "operate"])
    page = watch(visitor(people.cookie(guest)), shop.path("resources"))
    expect(page.get_by_role("button", name="Save")).to_be_visible()
    collaborators.update(shop.services, shop.owner, shop.name, guest.email, ["view"])
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    expect(page.locator(LIVE)).to_have_text("Live")
    collaborators.remove(shop.services, shop.owner, shop.name, guest.email)
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()


def test_the_list_of_apps_follows_what_happens(signed_in, shop):
    """States, releases and new apps appear in the list."""
    from browser.shop import Shop

    page = watch(signed_in, "/")
    row = page.locator(".app-row", has_text=shop.name)
    expect(row).to_contain_text("Answering")
    shop.build(run=False)
    expect(row).to_contain_text("Building")
    other = Shop(shop.services, shop.owner, f"{shop.name}-two")
    expect(page.get_by_role("link", name=other.name)).to_be_visible()


def test_a_hidden_page_holds_no_stream(visitor, people, shop):
    """A browser allows six connections to a host: pages in the background give theirs up."""
    page = visitor(people.cookie(shop.owner), once=True)
    page.clock.install()
    watch(page, shop.path())
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    page.clock.fast_forward(11_000)
    shop.build("Unseen", run=False)
    expect(page.get_by_text("Unseen")).to_have_count(0)
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { value: false, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    expect(page.get_by_text("Unseen")).to_be_visible()
