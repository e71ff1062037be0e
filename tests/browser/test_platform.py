"""The pages of the platform: its state, its people, its services, its audit log; for owners."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from browser.places import wait_until
from browser.table import PLATFORM_FORMS, PLATFORM_PAGES
from kedge.model.build import Build
from kedge.ops import addon_services, apps, audit, users
from providers.third_party import ThirdParty

PATH = "/dashboard/platform"


@pytest.fixture
def boss(people):
    """An owner of the installation."""
    return people.make(is_owner=True)


@pytest.fixture
def at_platform(visitor, people, boss):
    """A page of an owner of the installation."""
    return visitor(people.cookie(boss))


def test_what_is_wrong_waits_and_fills_the_disk(at_platform, shop):
    """Checks, queue and disk are on one page, and a build that waits appears without a reload."""
    page = at_platform
    page.goto(PATH)
    expect(page.get_by_text(re.compile(r"\d+ checks? made"))).to_be_visible()
    expect(page.get_by_role("progressbar", name="Disk in use")).to_be_visible()
    build = shop.build(run=False)
    with shop.services.database.transaction() as tx:  # the oldest is listed whatever else waits
        tx.get_one(Build, build.id).created_at -= timedelta(days=1)
    expect(page.locator("section", has=page.get_by_role("heading", name="Queue"))).to_contain_text(
        shop.name
    )
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_role("status")).to_contain_text("Looking at everything again")


def test_somebody_is_invited_made_an_owner_suspended_and_removed(at_platform, visitor, people):
    """The link is shown once and leads in; each step is on the page, and asked about first."""
    page, email = at_platform, f"guest-{uuid.uuid4().hex[:8]}@example.com"
    page.goto(f"{PATH}/people")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Make a link").click()
    link = page.locator(".copyable code").inner_text()
    page.goto(f"{PATH}/people")
    assert link not in page.content()
    expect(page.locator(".invited-row", has_text=email)).to_be_visible()

    guest = visitor()
    guest.goto(link)
    guest.get_by_label("Password", exact=True).fill("five words are better")
    guest.get_by_role("button", name="Join").click()
    expect(guest.get_by_role("button", name="Join")).to_have_count(0)
    page.reload()
    row = page.locator(".person-row", has_text=email).filter(has_not_text="New link")
    expect(row).to_be_visible()

    def choose(name):
        row.get_by_label(f"More for {email}").click()
        row.get_by_role("button", name=name).click()
        page.get_by_role("dialog").get_by_role("button", name="Go on").click()

    choose("Make an owner")
    expect(row.locator(".chip")).to_have_text("owner")
    guest.goto(PATH)
    expect(guest.get_by_role("heading", name="Parts", exact=True)).to_be_visible()
    choose("Suspend")
    expect(row.locator(".chip")).to_have_text("suspended")
    guest.goto(PATH)
    expect(guest.get_by_role("heading", name="Sign in")).to_be_visible()
    choose("Remove")
    expect(page.get_by_role("status").first).to_contain_text(f"The account of {email} is gone")


def test_an_invitation_is_withdrawn(people, boss, platform):
    """Its link leads nowhere, and a second link takes the place of the first."""
    email = f"late-{uuid.uuid4().hex[:8]}@example.com"
    _, first = users.invite(platform.services, boss, email)
    client = people.client(boss)
    form = {"token": token_of(client), "email": email}
    second = re.search(r"invitations/([\w-]{20,})", client.post(f"{PATH}/people", data=form).text)
    assert client.get(f"/dashboard/invitations/{first}").status_code == 401
    assert client.get(f"/dashboard/invitations/{second[1]}").status_code == 200
    client.post(f"{PATH}/people/withdraw", data={"token": token_of(client), "email": email})
    assert client.get(f"/dashboard/invitations/{second[1]}").status_code == 401


def test_nobody_does_it_to_themselves(people, boss):
    """An owner who would suspend or demote themselves is refused in words, beside the list."""
    client = people.client(boss)
    for form in ("owner", "suspend", "remove"):
        sent = {"token": token_of(client), "user": str(boss.account_id), "on": "no"}
        answer = client.post(f"{PATH}/people/{form}", data=sent)
        assert answer.status_code == 422
        assert "your own account" in answer.text


def test_a_service_is_registered_and_retired(at_platform):
    """By its manifest; what is wrong with one is said, and what was typed stays."""
    page = at_platform
    page.goto(f"{PATH}/services")
    field = page.get_by_label("Manifest (JSON)")
    field.fill("{no json")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("alert")).to_contain_text("no JSON")
    expect(field).to_have_value("{no json")
    with ThirdParty(f"svc-{uuid.uuid4().hex[:8]}") as provider:
        manifest = provider.manifest(name=f"Fast {provider.service}")
        field.fill(json.dumps(manifest))
        page.get_by_role("button", name="Register").click()
        row = page.locator(".addon-row", has_text=provider.service)
        expect(row).to_contain_text("2 plans")
        assert manifest["api"]["password"] not in page.content()
        row.get_by_role("button", name=re.compile("^Retire")).click()
        page.get_by_role("dialog").get_by_role("button", name="Go on").click()
        expect(row).to_have_count(0)


def test_every_change_is_found_by_person_app_and_kind(at_platform, platform, people, shop):
    """The log names who did what to which app; filters narrow it, and pages go back in time."""
    page = at_platform
    page.goto(f"{PATH}/audit")
    page.get_by_label("App", exact=True).fill(shop.name)
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("created the app")).to_be_visible()
    page.get_by_label("Kind", exact=True).select_option("config")
    expect(page.locator(".event")).to_have_count(1)
    expect(page.locator(".event")).to_contain_text("changed GREETING, STRIPE_KEY in v")
    assert "hunter2" not in page.content()
    page.goto(f"{PATH}/audit?person={shop.owner.email}")
    names = set(page.locator(".audit-words > b:first-child").all_inner_texts())
    assert names == {shop.owner.email}
    page.goto(f"{PATH}/audit?kind=app&app={shop.name}")
    apps.set_maintenance(platform.services, shop.owner, shop.name, on=True)
    expect(page.get_by_text("began maintenance mode")).to_be_visible()


def test_the_log_keeps_the_name_of_an_app_that_is_gone(platform, boss, fresh):
    """A page is as long as asked, the next begins where it ended, names outlive their apps."""
    services, name = platform.services, fresh.name
    apps.rename(services, fresh.owner, name, f"{name}-2")
    first = audit.entries(services, boss, app=name, limit=1)
    rest = audit.entries(services, boss, app=name, before=first.older)
    assert [each.event.action for each in first.entries] == ["app.rename"]
    assert [each.event.action for each in rest.entries] == ["app.create"]
    apps.destroy(services, fresh.owner, f"{name}-2")
    with services.database.transaction() as tx:
        from kedge.model.app import App

        tx.delete(tx.get_one(App, fresh.app.id))
    (gone, *_) = audit.entries(services, boss, app=f"{name}-2").entries
    assert (gone.app, gone.is_there) == (f"{name}-2", False)


def test_every_change_has_its_words(platform):
    """Whatever the audit log holds is said as a sentence, never as a name of ours alone."""
    from pathlib import Path

    from kedge import ops
    from kedge.dashboard.platform.wording import ICONS, KINDS, WORDS, sentence

    source = "\n".join(p.read_text() for p in Path(ops.__file__).parent.glob("*.py"))
    kinds = {each.partition(".")[0] for each in WORDS}
    noted = re.findall(r'(?:record|_tell|_ask_to_end)\([^"]*"([a-z_]+\.[a-z_]+)"', source)
    assert len(noted) > 40
    assert [each for each in noted if sentence(each, {"on": True}) is None] == []
    assert kinds <= set(ICONS)
    assert set(KINDS) <= kinds | {"formation"}


def test_nobody_but_owners_sees_the_platform(people, owner, platform):
    """Pages, forms and streams of the platform are refused to everybody else."""
    client, nobody = people.client(owner), people.client()
    token = token_of(client, "/dashboard/new")
    for path in PLATFORM_PAGES:
        assert client.get(PATH + path).status_code == 403
        assert nobody.get(PATH + path).status_code == 303
    for path in PLATFORM_FORMS:
        sent = {
            "token": token,
            "user": str(owner.account_id),
            "email": "x@example.com",
            "on": "yes",
        }
        sent |= {"manifest": "{}", "service": "x"}
        assert client.post(PATH + path, data=sent).status_code == 403, path
    for page in ("platform", "platform_people", "platform_services", "platform_audit"):
        assert client.get(f"/dashboard/live?page={page}").status_code == 403
    assert "Platform" not in client.get("/").text


def test_who_is_no_owner_any_more_hears_no_more(visitor, people, boss):
    """An open page of the platform goes when its reader is no owner any more."""
    other = people.make(is_owner=True)
    page = visitor(people.cookie(other))
    page.goto(f"{PATH}/people")
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    client = people.client(boss)
    form = {"token": token_of(client), "user": str(other.account_id), "on": "no"}
    assert client.post(f"{PATH}/people/owner", data=form).status_code == 303
    expect(page.get_by_role("heading", name="You may not do that")).to_be_visible()


def test_what_a_service_is_used_for_is_counted(platform, boss, shop):
    """Add-ons of a service are counted, those of others are not."""
    from kedge.ops import addons

    with ThirdParty(f"db-{uuid.uuid4().hex[:8]}") as one, ThirdParty(f"x-{one.service}") as two:
        for each in (one, two):
            addon_services.register(platform.services, boss, each.manifest())
        addons.create(shop.services, shop.owner, shop.name, one.service)
        found = addon_services.list_in_use(platform.services, boss)
        counts = {each.service.name: (each.plans, each.addons) for each in found}
    assert counts[one.service] == (2, 1)
    assert counts[two.service] == (2, 0)


def test_a_look_at_the_machine_is_kept(platform):
    """The first look is begun by asking; afterwards there is a survey with the disk of the home."""
    from kedge.home.look import ThisMachine

    machine = ThisMachine(platform.services.settings)
    machine.survey()
    found = wait_until(machine.survey)
    wait_until(lambda: not machine.is_looking)
    assert machine.survey() is found
    assert 0 < found.disk.free_bytes < found.disk.total_bytes
    assert "disk" in {each.name for each in found.findings}
    assert found.versions["kedge"]
    assert re.fullmatch(r"[\d.]+", found.versions["haproxy"])


def token_of(client, path=f"{PATH}/people"):
    """The token of a page's forms."""
    return re.search(r'name="token" value="([^"]+)"', client.get(path).text)[1]
