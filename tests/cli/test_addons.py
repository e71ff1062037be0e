"""Add-ons as the command line asks for them and shows them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Kedge
from cli.fake_platform import NOW, Answer, FakePlatform, Steps, refusal, release

SHOP = {"id": "a1", "name": "shop"}
BLOG = {"id": "a2", "name": "blog"}
RELEASES = ("GET", "/apps/shop/releases")
RESOLVE = ("POST", "/actions/addons/resolve")


def addon(name="postgresql-clear-1", state="provisioned", **more):
    return {
        "id": "e1", "name": name, "state": state, "app": SHOP, "config_vars": ["DATABASE_URL"],
        "addon_service": {"id": "s1", "name": "heroku-postgresql"},
        "plan": {"id": "p1", "name": "heroku-postgresql:essential-0"},
        "billed_price": {"cents": 500, "contract": False, "unit": "month"},
        "provision_message": "", "created_at": NOW, "web_url": "http://localhost/dashboard/x",
        **more,
    }  # fmt: skip


def attachment(name="DATABASE", app=SHOP, **more):
    held = {"id": "e1", "name": "postgresql-clear-1", "app": SHOP}
    return {"id": f"t-{name}", "name": name, "app": app, "addon": held, "config_vars": []} | more


def attached(version=3):
    """The releases before and after."""
    after = release(version, "Attach DATABASE (@ref:postgresql-clear-1)")
    return Steps([release(2, "Enable Logplex")], [after])


@pytest.fixture
def shop(platform: FakePlatform) -> FakePlatform:
    """The app `shop` has a database that another app uses too."""
    platform.answers |= {
        ("GET", "/apps/shop/addons"): [addon()],
        ("GET", "/addons"): [addon()],
        ("GET", "/addon-attachments"): [attachment(), attachment("ORDERS", BLOG)],
        RESOLVE: [addon()],
    }
    return platform


def test_the_add_ons_of_an_app(shop: FakePlatform, kedge: Kedge):
    """Each with plan, price, Heroku's word for its state, and what it is attached as where."""
    assert kedge("addons", "-a", "shop").out.splitlines() == [
        "add-on                                  plan         price        state",
        "heroku-postgresql (postgresql-clear-1)  essential-0  $5.00/month  created",
        " ├─ as DATABASE",
        " └─ as ORDERS on blog app",
    ]


def test_an_add_on_of_another_app(shop: FakePlatform, kedge: Kedge):
    """What is attached here and belongs to another app is told apart."""
    path = ("GET", "/apps/blog/addons")
    for told, title in (([addon()], "heroku-postgresql (postgresql-clear-1)  essential-0"),
                        ([], "postgresql-clear-1")):  # fmt: skip
        shop.answers[path] = told  # nothing of it but its name, where one does not see its app
        _, line, *branches = kedge("addons", "-a", "blog").out.splitlines()
        assert line.startswith(title)
        assert "of shop" in line
        assert any("─ as ORDERS" in each for each in branches)


def test_the_add_ons_of_all_apps(shop: FakePlatform, kedge: Kedge):
    """`--all`, or no app at all, lists them with their app."""
    for asked in (("addons", "--all"), ("addons",)):
        last = kedge(*asked).out.splitlines()[-1]
        assert last.split() == ["shop", "postgresql-clear-1", "heroku-postgresql:essential-0",
                                "$5.00/month", "created"]  # fmt: skip


def test_create(shop: FakePlatform, kedge: Kedge):
    """Its name is alone on stdout; the release that attached it is waited for."""
    shop.answers |= {("POST", "/apps/shop/addons"): Answer(addon(), 201), RELEASES: attached(7)}
    done = kedge("addons:create", "heroku-postgresql", "--as", "MAIN", "--name", "db-1",
                 "-a", "shop", "--", "--fork", "other-db", "--fast", "--limit=2")  # fmt: skip

    (asked,) = shop.of("POST", "/apps/shop/addons")
    assert asked.json == {
        "plan": "heroku-postgresql", "name": "db-1", "attachment": {"name": "MAIN"},
        "config": {"fork": "other-db", "fast": True, "limit": "2"},
    }  # fmt: skip
    assert asked.headers["idempotency-key"]
    assert done.out == "postgresql-clear-1\n"
    assert "DATABASE_URL" in done.err
    assert "Release v7 of shop: Attach DATABASE" in done.err
    assert shop.of("GET", "/kedge/apps/shop/rollout")


def test_create_waits_until_it_is_there(shop: FakePlatform, kedge: Kedge):
    """Progress is what the provider says; then it is there, or why it is not."""
    coming = addon(state="provisioning", provision_message="Making room.")
    shop.answers |= {
        ("POST", "/apps/shop/addons"): Answer(coming, 201),
        ("GET", "/addons/e1"): Steps(coming, addon()),
        RELEASES: attached(7),
    }
    done = kedge("addons:create", "heroku-postgresql", "-a", "shop")
    assert done.status == 0
    assert "Making room." in done.err
    assert "is there: DATABASE_URL" in done.err

    shop.answers["GET", "/addons/e1"] = addon(state="deprovisioned", provision_message="No room.")
    done = kedge("addons:create", "heroku-postgresql", "-a", "shop")
    assert done.status == 1
    assert "could not be created: No room." in done.err


def test_create_without_waiting(shop: FakePlatform, kedge: Kedge):
    """`--no-wait` says how to wait later."""
    coming = Answer(addon(state="provisioning"), 201)
    shop.answers |= {("POST", "/apps/shop/addons"): coming, RELEASES: attached()}
    done = kedge("addons:create", "heroku-postgresql", "-a", "shop", "--no-wait")

    assert done.status == 0
    assert "addons:wait postgresql-clear-1" in done.err
    assert not shop.of("GET", "/addons/e1")


def test_words_that_belong_to_no_option(shop: FakePlatform, kedge: Kedge):
    """`-- fork x` is a mistake, and is not sent."""
    done = kedge("addons:create", "heroku-postgresql", "-a", "shop", "--", "fork", "x")

    assert done.status == 2
    assert not shop.of("POST", "/apps/shop/addons")


def test_an_add_on_by_any_name(shop: FakePlatform, kedge: Kedge):
    """The platform resolves it; of several the person is asked to name one."""
    shop.answers["GET", "/addons/e1/addon-attachments"] = [attachment()]
    assert "shop::DATABASE" in kedge("addons:info", "DATABASE", "-a", "shop").out
    assert shop.of(*RESOLVE)[0].json == {"addon": "DATABASE", "app": "shop"}

    shop.answers[RESOLVE] = [addon(), addon("postgresql-flat-2")]
    assert "postgresql-clear-1, postgresql-flat-2" in kedge("addons:info", "x", "-a", "shop").err
    shop.answers[RESOLVE] = refusal(404, "not_found", "Couldn't find that add on.")
    assert "There is no add-on x of shop." in kedge("addons:info", "x", "-a", "shop").err


@pytest.mark.parametrize("words", [("DATABASE", "standard-0"), ("heroku-postgresql:standard-0",)])
def test_another_plan(shop: FakePlatform, kedge: Kedge, words: tuple[str, ...]):
    """Both of Heroku's forms; what the provider says is shown."""
    changed = addon(provision_message="It is larger now.")
    shop.answers["PATCH", "/apps/shop/addons/e1"] = changed
    done = kedge("addons:upgrade", *words, "-a", "shop")

    (asked,) = shop.of("PATCH", "/apps/shop/addons/e1")
    assert asked.json == {"plan": "heroku-postgresql:standard-0"}
    assert "It is larger now." in done.err


def test_a_plan_the_provider_refuses(shop: FakePlatform, kedge: Kedge):
    """Its words reach the person."""
    words = "essential-0 holds 1 GB and there are 3 GB."
    shop.answers["PATCH", "/apps/shop/addons/e1"] = refusal(422, "provision_failed", words)
    done = kedge("addons:downgrade", "DATABASE", "essential-0", "-a", "shop")

    assert (done.status, words in done.err) == (1, True)


def test_destroy_is_confirmed_by_the_apps_name(shop: FakePlatform, kedge: Kedge):
    """Without a terminal nothing is destroyed unless the name is given."""
    shop.answers |= {
        ("DELETE", "/apps/shop/addons/e1"): addon(state="deprovisioned"),
        ("GET", "/kedge/addons/resting"): [addon(state="deprovisioned", resting_until=NOW)],
        RELEASES: attached(),
    }
    assert kedge("addons:destroy", "DATABASE", "-a", "shop").status == 1
    assert kedge("addons:destroy", "DATABASE", "-a", "shop", "--confirm", "blog").status == 1
    assert not shop.of("DELETE", "/apps/shop/addons/e1")

    done = kedge("addons:destroy", "DATABASE", "-a", "shop", "--confirm", "shop", "--force")
    assert shop.of("DELETE", "/apps/shop/addons/e1")[0].json == {"force": True}
    assert "addons:restore postgresql-clear-1" in done.err


def test_restore(shop: FakePlatform, kedge: Kedge):
    """Without a name it lists what can be brought back; with one it brings it back."""
    shop.answers |= {
        ("GET", "/kedge/addons/resting"): [addon(state="deprovisioned", resting_until=NOW)],
        ("POST", "/kedge/addons/e1/restore"): addon(),
        RELEASES: attached(7),
    }
    assert "postgresql-clear-1" in kedge("addons:restore").out
    assert kedge("addons:restore", "postgresql-clear-1").status == 0
    assert shop.of("POST", "/kedge/addons/e1/restore")
    assert kedge("addons:restore", "postgresql-clear-1", "-a", "shop").status == 0
    for missing in (("never-made",), ("postgresql-clear-1", "-a", "blog")):
        assert kedge("addons:restore", *missing).status == 1


def test_attach(shop: FakePlatform, kedge: Kedge):
    """To another app, under another name; a name that is taken needs to be confirmed."""
    post = ("POST", "/addon-attachments")
    shop.answers |= {
        post: Answer(attachment("ORDERS"), 201), RELEASES: attached(7), RESOLVE: [addon()],
    }  # fmt: skip
    kedge("addons:attach", "postgresql-clear-1", "--as", "ORDERS", "-a", "shop")
    assert shop.of(*post)[0].json == {
        "addon": "e1", "app": "shop", "name": "ORDERS",
    }  # fmt: skip

    shop.answers[post] = refusal(423, "confirmation_required", "ORDERS is taken.")
    done = kedge("addons:attach", "postgresql-clear-1", "--as", "ORDERS", "-a", "shop")
    assert (done.status, "ORDERS is taken." in done.err) == (1, True)
    shop.answers[RESOLVE] = refusal(404, "not_found", "Couldn't find that add-on.")
    assert "addons --all" in kedge("addons:attach", "nothing", "-a", "shop").err


def test_detach(shop: FakePlatform, kedge: Kedge):
    """By what it is attached as."""
    shop.answers |= {
        ("GET", "/apps/shop/addon-attachments/DATABASE"): attachment(),
        ("DELETE", "/addon-attachments/t-DATABASE"): attachment(),
        RELEASES: attached(7),
    }
    done = kedge("addons:detach", "DATABASE", "-a", "shop")

    assert (done.status, "Release v7" in done.err) == (0, True)
    missing = refusal(404, "not_found", "Couldn't find that attachment.")
    shop.answers["GET", "/apps/shop/addon-attachments/OLD"] = missing
    assert "kedge addons -a shop" in kedge("addons:detach", "OLD", "-a", "shop").err


def test_wait(shop: FakePlatform, kedge: Kedge):
    """For all that are being created, or for the one that is named."""
    coming = addon(state="provisioning")
    shop.answers |= {
        ("GET", "/apps/shop/addons"): [coming],
        ("GET", "/addons/e1"): Steps(coming, addon()),
    }
    assert "is there" in kedge("addons:wait", "-a", "shop").err
    shop.answers["GET", "/apps/shop/addons"] = [addon()]
    assert "No add-on is being created." in kedge("addons:wait", "-a", "shop").err


def test_open(shop: FakePlatform, kedge: Kedge):
    """Where there is no terminal the address is printed; a provider without a page says so."""
    form = {"method": "post", "action": "https://x.example/sso", "resource_token": "t"}
    shop.answers["GET", "/apps/shop/addons/e1/sso"] = form
    assert kedge("addons:open", "DATABASE", "-a", "shop").out == "http://localhost/dashboard/x\n"

    refused = refusal(422, "invalid_params", "It has no page of its own to open.")
    shop.answers["GET", "/apps/shop/addons/e1/sso"] = refused
    assert "no page" in kedge("addons:open", "DATABASE", "-a", "shop").err


def test_the_form_that_signs_in(shop: FakePlatform, monkeypatch: pytest.MonkeyPatch):
    """It is a page of the person's own, and nothing a provider says can be more than text in it."""
    from kedge.cli import provisioning
    from kedge.cli.options import api_for

    opened: list[str] = []
    monkeypatch.setattr(
        provisioning.webbrowser, "open", lambda url: bool(opened.append(url)) or True
    )
    form = {"method": "post", "action": "/provider/x/sso", "email": '"><script>alert(1)</script>'}
    assert provisioning.open_form(api_for(), "db", form)

    page = Path(opened[0].removeprefix("file://"))
    assert page.stat().st_mode & 0o077 == 0
    assert "<script>alert" not in page.read_text()
    assert f'action="{shop.url}/provider/x/sso"' in page.read_text()
    page.unlink()


def test_services_and_plans(platform: FakePlatform, kedge: Kedge):
    """What there is, with what it costs and what is taken when nobody says."""
    service = {"name": "fast-db", "human_name": "Fast DB", "state": "ga", "docs_url": "https://d/"}
    plan = {"name": "fast-db:free", "human_name": "Free", "default": True,
            "description": "Ten rows", "price": {"cents": 0, "unit": "month"}}  # fmt: skip
    platform.answers |= {
        ("GET", "/addon-services"): [service],
        ("GET", "/addon-services/fast-db"): service,
        ("GET", "/addon-services/fast-db/plans"): [plan],
    }
    assert "fast-db  Fast DB  ga" in kedge("addons:services").out
    assert kedge("addons:plans", "fast-db").out.splitlines()[-1].split() == [
        "default", "fast-db:free", "Free", "free", "Ten", "rows",
    ]  # fmt: skip
    assert kedge("addons:docs", "fast-db:free").out == "https://d/\n"


def test_manifests(platform: FakePlatform, kedge: Kedge, tmp_path: Path):
    """A manifest is sent as it is; what is not JSON is refused here."""
    post = ("POST", "/kedge/addon-services")
    platform.answers[post] = Answer({"name": "fast-db"}, 201)
    platform.answers["DELETE", "/kedge/addon-services/fast-db"] = {"name": "fast-db"}
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps({"id": "fast-db"}))
    assert kedge("addons:services:add", str(file)).status == 0
    assert platform.of(*post)[0].json == {"id": "fast-db"}
    assert kedge("addons:services:remove", "fast-db").status == 0

    file.write_text("{")
    assert "is not JSON" in kedge("addons:services:add", str(file)).err
