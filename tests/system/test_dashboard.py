"""The whole path in a browser, on a real platform: from signing in to a rollback, and on a phone.

With KEDGE_PICTURES=docs/images the pictures of docs/dashboard.md are taken on the way.
"""

from __future__ import annotations

import re
import subprocess

import pytest
from playwright.sync_api import expect

from browser.pictures import take
from system.installation import App, wait_until

PASSWORD = "a lighthouse, a quay, a rope"
# As small as an app with a database can be: psql comes with the stack, so nothing is installed.
COUNTER = {
    "Procfile": "web: python3 server.py\n",
    "server.py": """
import http.server, os, subprocess
SQL = "create table if not exists visits (at timestamptz default now()); " \\
      "insert into visits default values; select count(*) from visits"
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url, words = os.environ.get("DATABASE_URL"), os.environ.get("GREETING", "Hello")
        psql = ["psql", url or "", "-qtAXc", SQL]
        count = subprocess.run(psql, capture_output=True, text=True).stdout.strip() if url else "no"
        body = f"{words}, {count} visits".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Answer).serve_forever()
""",
}
SCREENS = {
    "wide": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True,
              "color_scheme": "dark"},
}  # fmt: skip
# Dynos and servers start on a machine that does other things too.
PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def screens(chromium, platform):
    """A browser for each screen; the owner has set a password, as one does who came by a link."""
    made = {}
    for name, look in SCREENS.items():
        context = chromium.new_context(base_url=platform.url, reduced_motion="reduce", **look)
        context.set_default_timeout(30_000)
        made[name] = context.new_page()
    first_password(made["wide"], platform)
    yield made
    for page in made.values():
        page.context.close()


def first_password(page, platform):
    """The link of `kedge dashboard` leads in; a password is set, and the session ended."""
    page.goto(re.search(r"http\S+", platform.kedge("dashboard", "--no-open").stdout)[0])
    expect(page.get_by_role("link", name="New app").first).to_be_visible()
    page.goto("/dashboard/account")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Your password is changed")).to_be_visible()
    page.get_by_text("Your account").locator("xpath=..").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def answer(app):
    """What the app answers, or nothing while it does not."""
    got = app.get()
    return got.text if got.status_code == 200 else ""


@pytest.mark.parametrize("screen", SCREENS)
def test_the_whole_path(screens, platform, tmp_path, screen):
    """An app is made, pushed, given a database, changed and rolled back, all before one's eyes."""
    page, name = screens[screen], {"wide": "harbour"}.get(screen, f"harbour-{screen}")
    kept = (lambda _picture: None) if screen != "wide" else lambda picture: take(page, picture)
    app = App(platform, name, tmp_path / name)
    try:
        sign_in(page, kept)
        create(page, name, kept)
        push(page, app, kept)
        provision(page, app, kept)
        change(page, app, kept)
        roll_back(page, app, kept)
        look_round(page, app, kept)
        if screen == "phone":
            page.goto(f"/dashboard/apps/{name}")
            expect(page.locator("[data-live-state]")).to_have_text("Live")
            take(page, "phone")
    finally:
        platform.api("DELETE", f"/apps/{name}")


def sign_in(page, kept):
    """E-mail and password."""
    page.goto("/")
    page.get_by_label("E-mail").fill("owner@localhost")
    kept("sign-in")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="New app").first).to_be_visible()


def create(page, name, kept):
    """Create: the next page says how to push."""
    page.get_by_role("link", name="New app").first.click()
    page.get_by_label("Name").fill(name)
    kept("new-app")
    page.get_by_role("button", name="Create app").click()
    expect(page.get_by_text(re.compile(rf"git remote add kedge \S+/{name}\.git"))).to_be_visible()


def push(page, app, kept):
    """Push from a terminal; the open page shows build, output and release as they come."""
    app.checkout({})
    app.commit(COUNTER, "Count visits")
    with subprocess.Popen(
        ["git", "push", "kedge", "main"], cwd=app.folder, stderr=subprocess.PIPE, text=True,
        env={**app.platform.environment, "GIT_TERMINAL_PROMPT": "0"},
    ) as pushing:  # fmt: skip
        row = page.locator(".build-row")
        expect(row).to_be_visible(timeout=PATIENCE_MS)
        row.get_by_role("link").first.click()
        expect(page.get_by_role("log")).to_contain_text("----->", timeout=PATIENCE_MS)
        _, said = pushing.communicate(timeout=120)
        assert pushing.returncode == 0, said
    expect(page.locator(".card .chip")).to_have_text("Succeeded")
    expect(page.locator(".app-head .chip")).to_have_text("Answering", timeout=PATIENCE_MS)
    kept("build")
    assert answer(app) == "Hello, no visits"


def provision(page, app, kept):
    """Postgres is found, made and attached; the app uses it."""
    page.get_by_role("link", name="Resources").first.click()
    page.get_by_role("link", name="Find more").click()
    expect(page.locator(".service").first).to_be_visible()
    kept("find-an-add-on")
    page.get_by_label("Find add-ons").fill("postgres")
    page.get_by_role("link", name=re.compile("Postgres")).click()
    kept("plans")
    page.get_by_role("button", name="Make and attach").click()
    row = page.locator(".addon-row")
    expect(row.locator(".status")).to_have_text("Ready", timeout=PATIENCE_MS)
    expect(row).to_contain_text("DATABASE")
    wait_until(lambda: re.fullmatch(r"Hello, \d+ visits", answer(app)), 60, "visits that are kept")
    expect(page.locator(".app-head .chip")).to_have_text("Answering", timeout=PATIENCE_MS)
    kept("resources")


def change(page, app, kept):
    """A config var is set; the app says so."""
    page.get_by_role("link", name="Settings").click()
    expect(page.locator("#config-DATABASE_URL")).to_be_visible()
    page.get_by_label("Key", exact=True).fill("GREETING")
    page.get_by_label("Value", exact=True).fill("Ahoy")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("status")).to_contain_text("GREETING is set")
    wait_until(lambda: answer(app).startswith("Ahoy, "), 60, "the changed config var")
    expect(page.locator(".app-head .chip")).to_have_text("Answering", timeout=PATIENCE_MS)
    kept("settings")
    page.goto(f"/dashboard/apps/{app.name}")
    expect(page.get_by_text("Set GREETING config vars")).to_be_visible()
    kept("overview")


def roll_back(page, app, kept):
    """Back to the release before, its difference first; activity has it, and so has the app."""
    page.get_by_role("link", name="Activity").first.click()
    page.get_by_role("link", name=re.compile("Roll back to")).first.click()
    expect(page.locator(".change").filter(has_text="GREETING")).to_be_visible()
    kept("rollback")
    page.get_by_role("button", name=re.compile("^Roll back to")).click()
    page.get_by_role("link", name="Activity").first.click()
    expect(page.get_by_text(re.compile("^Rollback to v"))).to_be_visible()
    first = page.locator(".event").first
    expect(first).to_contain_text("Live", timeout=PATIENCE_MS)
    wait_until(lambda: answer(app).startswith("Hello, "), 60, "the release before")
    kept("activity")


def look_round(page, app, kept):
    """The database runs; the log has what the app was asked; every part of the platform is up."""
    page.goto(f"/dashboard/apps/{app.name}/resources")
    page.locator(".addon-row").get_by_role("link", name="Postgres", exact=True).click()
    expect(page.get_by_role("main").get_by_text("Running")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", name="Backups", exact=True)).to_be_visible()
    kept("data")
    page.goto(f"/dashboard/apps/{app.name}/logs")
    expect(page.get_by_role("log")).to_contain_text("Attach DATABASE")
    expect(page.get_by_role("log")).to_contain_text("heroku[router]")
    page.set_viewport_size({**page.viewport_size, "height": 560})
    kept("logs")
    page.set_viewport_size({**page.viewport_size, "height": 800})
    page.goto("/dashboard/platform")
    parts = page.locator(".part-row")
    expect(parts.filter(has_text="Up")).to_have_count(parts.count(), timeout=PATIENCE_MS)
    assert parts.count() >= 9
    expect(page.get_by_text(re.compile(r"\d+ checks made"))).to_be_visible(timeout=PATIENCE_MS)
    kept("platform")
