"""Every page and every form by everybody: who may, gets it; who may not, changes nothing.

The table is held against the addresses there are: a page nobody thought of here fails the test.
"""

from __future__ import annotations

import re
import uuid

import pytest
from flask import Flask

from kedge.ops import addon_services, addons, attachments, collaborators
from kedge.ops.authorize import Action
from providers.third_party import ThirdParty

ROLES = ("nobody", "stranger", "view", "deploy", "operate", "manage", "owner", "installation")
VIEW = ("view", "deploy", "operate", "manage", "owner", "installation")
OF_APP = "/dashboard/apps/<app>"

# What each address of an app needs. Forms are sent with what they hold, or nothing of use.
PAGES = {
    "": Action.VIEW,
    "/resources": Action.VIEW,
    "/deploy": Action.VIEW,
    "/deploy/builds/<build>": Action.VIEW,
    "/activity": Action.VIEW,
    "/activity/<version>": Action.VIEW,
    "/activity/<version>/rollback": Action.DEPLOY,
    "/access": Action.VIEW,
    "/logs": Action.VIEW,
    "/settings": Action.VIEW,
    "/settings/delete": Action.MANAGE,
    "/settings/reveal/<key>": Action.VIEW,  # without a proof it leads back to the settings
    "/config/edit": Action.DEPLOY,
    "/resources/addons": Action.OPERATE,
    "/resources/addons/<service>": Action.OPERATE,
    "/attach": Action.OPERATE,
    "/addons/<addon>/plan": Action.OPERATE,
    "/addons/<addon>/destroy": Action.OPERATE,
    "/metrics": Action.VIEW,
}
FORMS = {
    "/favourite": (Action.VIEW, {"on": "yes"}),
    "/formation": (Action.OPERATE, {"type": "web", "quantity.web": "3", "size.web": "Basic"}),
    "/restart": (Action.OPERATE, {}),
    "/stop": (Action.OPERATE, {"what": "web.1"}),
    "/deploy/builds/<build>/cancel": (Action.DEPLOY, {}),
    "/deploy/rebuild": (Action.DEPLOY, {"ref": "main"}),
    "/deploy/forget-cache": (Action.DEPLOY, {}),
    "/activity/<version>/rollback": (Action.DEPLOY, {}),
    "/config": (Action.DEPLOY, {"key": "A", "value": "1", "version": "1"}),
    "/config/remove": (Action.DEPLOY, {"key": "A", "version": "1"}),
    "/config/review": (Action.DEPLOY, {"text": "A=1", "version": "1"}),
    "/config/save": (Action.DEPLOY, {"text": "A=1", "version": "1"}),
    "/config/reveal": (Action.DEPLOY, {"key": "GREETING"}),
    "/settings/maintenance": (Action.OPERATE, {"on": "yes"}),
    "/settings/buildpacks": (Action.OPERATE, {"buildpack": "python"}),
    "/settings/domains": (Action.OPERATE, {"hostname": "HOST.example.com"}),
    "/settings/domains/remove": (Action.OPERATE, {"hostname": "none.example.com"}),
    "/settings/name": (Action.MANAGE, {"name": "NAME"}),
    "/settings/transfer": (Action.MANAGE, {"email": "none@example.com"}),
    "/settings/delete": (Action.MANAGE, {"confirm": "no"}),
    "/resources/addons/<service>": (Action.OPERATE, {"plan": "none"}),
    "/attach": (Action.OPERATE, {"addon": "none"}),
    "/detach": (Action.OPERATE, {"attachment": "DATABASE"}),
    "/addons/<addon>/plan": (Action.OPERATE, {"plan": "none"}),
    "/addons/<addon>/destroy": (Action.OPERATE, {"confirm": "no"}),
    "/addons/<addon>/restore": (Action.OPERATE, {}),
    "/access": (Action.MANAGE, {"email": "none@example.com"}),
    "/access/change": (Action.MANAGE, {"email": "none@example.com"}),
    "/access/remove": (Action.VIEW, {"email": "none@example.com"}),  # one's own is everybody's
}
# What is for owners of the installation alone.
PLATFORM_PAGES = ("", "/people", "/services", "/audit")
PLATFORM_FORMS = (
    "/look", "/people", "/people/owner", "/people/suspend", "/people/remove", "/people/withdraw",
    "/services", "/services/retire",
)  # fmt: skip
ELSEWHERE = {
    "GET /", "GET /dashboard", "GET /dashboard/", "GET /dashboard/<path:rest>",
    "POST /dashboard/<path:rest>", "GET /dashboard/new", "POST /dashboard/new",
    "GET /dashboard/switch", "GET /dashboard/live", "POST /dashboard/theme",
    "GET /dashboard/static/<version>/<name>", "POST /dashboard/transfers/<transfer>",
    "GET /dashboard/sign-in", "POST /dashboard/sign-in", "POST /dashboard/sign-in/code",
    "GET /dashboard/sign-in/<token>", "POST /dashboard/sign-in/<token>", "GET /sign-in/<token>",
    "GET /dashboard/addons/<addon>/open", "POST /dashboard/sign-out",
    "GET /dashboard/invitations/<token>", "POST /dashboard/invitations/<token>",
    "GET /dashboard/account", "POST /dashboard/account/confirm", "POST /dashboard/account/password",
    "POST /dashboard/account/two-factor", "POST /dashboard/account/two-factor/finish",
    "POST /dashboard/account/two-factor/off", "POST /dashboard/account/two-factor/codes",
    "POST /dashboard/account/sessions/end", "POST /dashboard/account/tokens",
    "POST /dashboard/account/tokens/revoke",
    *(f"GET /dashboard/platform{page}" for page in PLATFORM_PAGES),
    *(f"POST /dashboard/platform{form}" for form in PLATFORM_FORMS),
}  # fmt: skip
FOR_EVERYBODY = {
    "GET /dashboard", "GET /dashboard/", "GET /dashboard/static/<version>/<name>",
    "GET /dashboard/sign-in", "POST /dashboard/sign-in", "POST /dashboard/sign-in/code",
    "GET /dashboard/sign-in/<token>", "POST /dashboard/sign-in/<token>", "GET /sign-in/<token>",
    "GET /dashboard/invitations/<token>", "POST /dashboard/invitations/<token>",
    "POST /dashboard/theme",
}  # fmt: skip
# The permissions a role has; those of an owner are all.
MAY = {role: {Action.VIEW, Action(role)} for role in ("view", "deploy", "operate", "manage")}


def addresses(services):
    """`GET /dashboard/apps/<app>` of every view of the dashboard."""
    from kedge.dashboard.blueprint import blueprint
    from kedge.engine.git import Repositories

    app = Flask("addresses")
    app.register_blueprint(blueprint(services, Repositories(services.settings.home / "repos", 1)))
    for rule in app.url_map.iter_rules():
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            if rule.endpoint != "static":
                yield f"{method} {rule.rule}"


def test_every_address_has_its_row(platform):
    """Whoever adds a page or a form says here who may open and send it."""
    rows = {f"GET {OF_APP}{page}" for page in PAGES} | {f"POST {OF_APP}{form}" for form in FORMS}
    found = {each for each in addresses(platform.services) if not each.startswith("later ")}
    assert found - rows - ELSEWHERE == set()
    assert (rows | ELSEWHERE) - found <= {f"GET {OF_APP}/metrics"}


@pytest.fixture
def roles(people, owner, shop, database):
    """Somebody of each role, as a client and with a token for forms."""
    actors = {"nobody": None, "stranger": people.make(), "owner": owner}
    actors["installation"] = people.make(is_owner=True)
    for role in MAY:
        actors[role] = people.make()
        collaborators.add(shop.services, owner, shop.name, actors[role].email, [role])
    clients = {role: people.client(actor) for role, actor in actors.items()}
    return {role: (client, _token(client, role)) for role, client in clients.items()}


def _token(client, role):
    page = client.get("/dashboard/sign-in" if role == "nobody" else "/dashboard/new")
    return re.search(r'name="token" value="([^"]+)"', page.text)[1]


def may(role, action):
    """Whether a role has a permission."""
    return role in ("owner", "installation") or action in MAY.get(role, ())


@pytest.fixture
def database(platform, shop):
    """An add-on of the app."""
    with ThirdParty(f"db-{uuid.uuid4().hex[:8]}") as provider:
        addon_services.register(platform.services, None, provider.manifest(primary="DATABASE"))
        shop.addon = addons.create(shop.services, shop.owner, shop.name, provider.service)
        shop.go_live()
        yield shop.addon


def filled(path, shop, build):
    """The path with what stands for its parts."""
    parts = {"<app>": shop.name, "<build>": str(build.id), "<version>": "v3", "<key>": "GREETING"}
    parts |= {"<addon>": shop.addon.name, "<service>": shop.addon.service.name}
    for part, value in parts.items():
        path = path.replace(part, value)
    return path


def test_every_page_by_every_role(roles, shop):
    """A page one may not open is refused in words, or is not there for whom the app is not."""
    build = shop.build(run=False)
    for page, action in PAGES.items():
        path = filled(OF_APP + page, shop, build)
        for role, (client, _) in roles.items():
            status = client.get(path).status_code
            if role == "nobody":
                expected = {303}
            elif role == "stranger":
                expected = {404}
            elif may(role, action):
                expected = {303} if "reveal" in page else {200}
            else:
                expected = {403}
            assert status in expected or page == "/metrics", (page, role, status)


def test_every_form_by_every_role(roles, shop):
    """Who may not is refused, and nothing has changed; who may is not."""
    build = shop.build(run=False)
    before = state(shop)
    for form, (action, fields) in FORMS.items():
        path = filled(OF_APP + form, shop, build)
        for role, (client, token) in roles.items():
            if may(role, action):
                continue
            answer = client.post(path, data=sent(fields, token))
            expected = {"nobody": {303}, "stranger": {404}}.get(role, {403})
            assert answer.status_code in expected, (form, role, answer.status_code)
            if role == "nobody":
                assert answer.headers["Location"] == "/dashboard/sign-in"
    assert state(shop) == before
    client, token = roles["installation"]
    for form, (_, fields) in FORMS.items():
        if form in ("/settings/name", "/settings/delete"):
            continue
        answer = client.post(filled(OF_APP + form, shop, build), data=sent(fields, token))
        assert answer.status_code not in (403, 500), (form, answer.status_code)


def test_pages_for_those_who_are_signed_in(people, platform):
    """Whatever is not for everybody asks who is there."""
    client = people.client()
    token = _token(client, "nobody")
    for address in sorted(ELSEWHERE - FOR_EVERYBODY):
        method, path = address.split(" ")
        path = re.sub(r"<[^>]+>", str(uuid.uuid4()), path)
        answer = client.request(method, path, data={"token": token} if method == "POST" else None)
        assert answer.status_code in (303, 401), address
        if answer.status_code == 303:
            assert answer.headers["Location"].startswith("/dashboard/sign-in"), address


def test_what_one_may_not_do_is_not_offered(roles, shop):
    """Pages show the forms and links of what their reader may do, and no others."""
    shop.build(run=False)
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
            html = roles[role][0].get(shop.path() + page).text
            expected = may(role, action) if action else role in ("owner", "installation")
            assert (f">{words}" in re.sub(r"</svg>", ">", html)) == expected, (words, role)


def test_who_may_not_deploy_sees_no_name_of_a_config_var(roles, shop):
    """Names of config vars tell much; the settings have them for those who may deploy alone."""
    for role in VIEW:
        has_name = "STRIPE_KEY" in roles[role][0].get(shop.path("settings")).text
        assert has_name == may(role, Action.DEPLOY), role


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
