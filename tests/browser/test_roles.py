"""Every page and every form by everybody: who may, gets it; who may not, changes nothing.

The table is held against the addresses there are: a page nobody thought of here fails the test.
"""

from __future__ import annotations

import re
import uuid

import pytest

from browser import table
from browser.database import databases, verified
from browser.shop import Shop
from browser.table import FOR_EVERYBODY, FOR_THE_SIGNED_IN, FORMS, OF_APP, PAGES
from kedge.ops import addon_services, addons, attachments, collaborators
from kedge.ops.authorize import Action
from providers.third_party import ThirdParty

ROLES = ("nobody", "stranger", "view", "deploy", "operate", "manage", "owner", "installation")
VIEW = ("view", "deploy", "operate", "manage", "owner", "installation")

# The permissions a role has; those of an owner are all.
MAY = {role: {Action.VIEW, Action(role)} for role in ("view", "deploy", "operate", "manage")}


def test_every_address_has_its_row(platform):
    """Whoever adds a page or a form says in the table who may open and send it."""
    assert set(table.addresses(platform.services)) == FOR_EVERYBODY | FOR_THE_SIGNED_IN


@pytest.fixture(scope="module")
def shop(platform, people):
    """An app of somebody's with code that runs, an add-on, and a build that waits."""
    made = Shop(platform.services, people.make(), f"shop-{uuid.uuid4().hex[:8]}").deployed()
    with ThirdParty(f"db-{uuid.uuid4().hex[:8]}") as provider:
        addon_services.register(platform.services, None, provider.manifest(primary="DATABASE"))
        addon = addons.create(made.services, made.owner, made.name, provider.service)
        made.go_live()
        with databases(made) as (data, database):
            made.parts = _parts(made, provider, addon, database, verified(data))
            yield made


def _parts(made, provider, addon, database, backup):
    """What stands in addresses."""
    return {
        "app": made.name, "build": made.build(run=False).id, "version": "v3",
        "key": "GREETING", "addon": addon.name, "service": provider.service,
        "database": database.name, "backup": backup["id"],
    }  # fmt: skip


@pytest.fixture(scope="module")
def roles(people, shop):
    """Somebody of each role, as a client and with a token for forms."""
    actors = {"nobody": None, "stranger": people.make(), "owner": shop.owner}
    actors["installation"] = people.make(is_owner=True)
    for role in MAY:
        actors[role] = people.make()
        collaborators.add(shop.services, shop.owner, shop.name, actors[role].email, [role])
    clients = {role: people.client(actor) for role, actor in actors.items()}
    return {role: (client, _token(client, role)) for role, client in clients.items()}


def _token(client, role):
    page = client.get("/dashboard/sign-in" if role == "nobody" else "/dashboard/new")
    return re.search(r'name="token" value="([^"]+)"', page.text)[1]


def may(role, action):
    """Whether a role has a permission."""
    return role in ("owner", "installation") or action in MAY.get(role, ())


@pytest.fixture(scope="module")
def opened(roles, shop):
    """What everybody got of every page of the app, by address and role."""
    return {
        (page, role): client.get(table.filled(page, **shop.parts))
        for page in PAGES
        for role, (client, _) in roles.items()
    }


def test_every_page_by_every_role(opened):
    """A page one may not open is refused in words, or is not there for whom the app is not."""
    for (page, role), answer in opened.items():
        expected = {"nobody": 303, "stranger": 404}.get(role, 403)
        if may(role, PAGES[page]):
            expected = 303 if "reveal" in page or page == table.OF_ADDON else 200
        assert answer.status_code == expected, (page, role, answer.status_code)


def test_what_one_may_not_do_is_not_offered(opened):
    """Pages show the forms and links of what their reader may do, and no others."""
    offers = {
        "Save": ("/resources", Action.OPERATE),
        "Edit as text": ("/settings", Action.DEPLOY),
        "Begin maintenance": ("/settings", Action.OPERATE),
        "Delete…": ("/settings", Action.MANAGE),
        "Roll back": ("/activity", Action.DEPLOY),
        "Add a collaborator": ("/access", Action.MANAGE),
        "Restart all": ("/resources", Action.OPERATE),
        "Offer": ("/settings", None),
    }
    for words, (page, action) in offers.items():
        for role in VIEW:
            html = opened[OF_APP + page, role].text
            expected = may(role, action) if action else role in ("owner", "installation")
            assert (f">{words}" in re.sub(r"</svg>", ">", html)) == expected, (words, role)


def test_no_form_is_shown_that_would_be_refused(opened, shop):
    """Every form on every page is one whose sender may send it."""
    rules = {table.filled(form, **shop.parts): action for form, (action, _) in FORMS.items()}
    found = set()
    for (page, role), answer in opened.items():
        if answer.status_code != 200:
            continue
        for action in re.findall(r'<form[^>]*method="post" action="([^"]+)"', answer.text):
            path = re.sub(r"/activity/v\d+/", "/activity/v3/", action)
            if path in rules:
                found.add(path)
                assert may(role, rules[path]), (page, role, action)
    assert len(found) > len(rules) * 0.7


def test_who_may_not_deploy_sees_no_name_of_a_config_var(opened):
    """Names of config vars tell much; the settings have them for those who may deploy alone."""
    for role in VIEW:
        has_name = "STRIPE_KEY" in opened[f"{OF_APP}/settings", role].text
        assert has_name == may(role, Action.DEPLOY), role


def test_every_form_by_every_role(roles, shop):
    """Who may not is refused, and nothing has changed; who may is not."""
    before = state(shop)
    for form, (action, fields) in FORMS.items():
        path = table.filled(form, **shop.parts)
        for role, (client, token) in roles.items():
            if may(role, action):
                continue
            answer = client.post(path, data=sent(fields, token))
            expected = {"nobody": 303, "stranger": 404}.get(role, 403)
            assert answer.status_code == expected, (form, role, answer.status_code)
            if role == "nobody":
                assert answer.headers["Location"] == "/dashboard/sign-in"
    assert state(shop) == before
    client, token = roles["installation"]
    for form, (_, fields) in FORMS.items():
        if not form.endswith(("/settings/name", "/settings/delete")):
            answer = client.post(table.filled(form, **shop.parts), data=sent(fields, token))
            assert answer.status_code not in (403, 500), (form, answer.status_code)


def test_no_form_counts_without_its_token(roles, platform):
    """Whatever is sent, by whoever may: without a token, or from another site, it is refused."""
    client, token = roles["installation"]
    forms = [each for each in table.addresses(platform.services) if each.startswith("POST ")]
    assert len(forms) > 50
    for form in forms:
        path = re.sub(r"<[^>]+>", "x", form.removeprefix("POST "))
        for data, headers in (
            ({"x": "1"}, {}),
            ({"token": token}, {"Origin": "http://evil.example"}),
        ):
            answer = client.post(path, data=data, headers=headers)
            assert (answer.status_code, "nothing was changed" in answer.text) == (403, True), form


def test_pages_for_those_who_are_signed_in(people, platform):
    """Whatever is not for everybody asks who is there."""
    client = people.client()
    token = _token(client, "nobody")
    for address in sorted(FOR_THE_SIGNED_IN):
        method, path = address.split(" ")
        path = re.sub(r"<[^>]+>", str(uuid.uuid4()), path)
        answer = client.request(method, path, data={"token": token} if method == "POST" else None)
        assert answer.status_code in (303, 401), address
        if answer.status_code == 303:
            assert answer.headers["Location"].startswith("/dashboard/sign-in"), address


def sent(fields, token):
    """A form's fields with a token and names of its own."""
    unique = f"x{uuid.uuid4().hex[:8]}"
    made = {
        key: value.replace("HOST", unique).replace("NAME", unique) for key, value in fields.items()
    }
    return {**made, "token": token}


def state(shop):
    """What a form could have changed."""
    from kedge.ops import apps, config_vars, domains, formations

    services, owner, name = shop.services, shop.owner, str(shop.app.id)
    app = apps.find(services, owner, name)
    formation, _ = formations.list_formation(services, owner, name)
    _, people = collaborators.list_of_app(services, owner, name)
    return (
        app.name, app.maintenance, app.buildpacks, app.last_version, app.deleting_at,
        config_vars.read(services, owner, name),
        [formations.told(row) for row in formation],
        [row.hostname for row in domains.list_domains(services, owner, name)],
        [(row.account.email, row.permissions) for row in people],
        collaborators.open_offer(services, owner, name),
        [each.name for each in attachments.list_of_app(services, owner, name)],
    )  # fmt: skip
