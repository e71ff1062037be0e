"""Who may ask what: docs/access.md, line by line, asked by every role and with every scope."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from api.test_docs import endpoints
from api.world import ROLES, World
from kedge.api import application as api_application
from kedge.engine.git import Repositories
from kedge.git import http
from kedge.plan.scopes import Scope

DOCUMENT = Path(__file__).parents[2] / "docs" / "access.md"
LINE = re.compile(
    r"\| `(?P<method>[A-Z]+) (?P<path>/\S*)`(?: with `(?P<member>\w+)`)? "
    r"\| (?P<who>[^|]+) \| (?P<scope>[^|]*)\|"
)
OPEN = {"everybody", "its address", "its grant", "its provider's sign-in"}
OWNERS = {"owner", "installation"}
HIDES = {"view", "deploy", "operate", "manage"}
OF_APPS = HIDES | {"owner", "recipient", "provider"}
PEOPLE = set(ROLES) - {"nobody", "provider"}
ALLOWED = {
    "every user": PEOPLE,
    "view": {"view", "deploy", "operate", "manage"} | OWNERS,
    "deploy": {"deploy"} | OWNERS,
    "operate": {"operate"} | OWNERS,
    "manage": {"manage"} | OWNERS,
    "owner": OWNERS,
    "installation owner": {"installation"},
    "recipient": {"recipient"},
    "provider": {"provider"},
}
COVERS = {
    "identity": {"identity"},
    "read": {"read"},
    "write": {"read", "write"},
    "read-protected": {"read", "read-protected"},
    "write-protected": {"read", "write", "read-protected", "write-protected"},
    "global": {each.value for each in Scope},
}
FINE = {200, 201, 202, 204}
# Where a path's name is not that of a thing of the world, or a request uses it up.
NAMES = {
    "addon": "{addon}", "app": "shop", "attachment": "{attachment}", "authorization": "~",
    "build": "{build}", "collaborator": "{collaborator}", "credential": "default",
    "database": "{database}", "domain": "{domain}", "dyno": "{dyno}", "feature": "preboot",
    "pid": "41", "process_type": "web", "region": "{region}", "release": "{version}",
    "name": "shop", "run": "{inside}",
    "size": "Basic", "slug": "{slug}", "stack": "kedge-13", "transfer": "{backup}", "user": "~",
}  # fmt: skip


@dataclass(frozen=True)
class Ask:
    """How an endpoint is asked so that whoever may gets what they ask for."""

    names: dict = field(default_factory=dict)
    body: dict | None = None
    query: str = ""
    fine: frozenset = frozenset(FINE)
    is_the_end: bool = False  # of the add-on whose provider asks


def ask(body=None, *, fine=(), query="", is_the_end=False, **names):
    return Ask(names, body, query, frozenset(FINE | set(fine)), is_the_end)


MANIFEST = {"id": "x"}  # refused, but not before it is known who asks
TRANSFER = "/account/app-transfers/:transfer"
BACKUP = "/client/v11/apps/:app/transfers/:transfer"
COLLABORATOR = "/apps/:app/collaborators"
ASKED = {
    "POST /account/app-transfers": ask({"app": "{new_app}", "recipient": "recipient@example.com"}),
    f"DELETE {BACKUP}": ask(transfer="{new_backup}"),
    f"GET {TRANSFER}": ask(transfer="{transfer}"),
    f"PATCH {TRANSFER}": ask({"state": "declined"}, transfer="{new_transfer}"),
    f"DELETE {TRANSFER}": ask(transfer="{new_transfer}"),
    "PATCH /account/features/:feature": ask({"enabled": True}, fine={404, 422}),
    "GET /account/features/:feature": ask(fine={404}),
    "POST /account/keys": ask({}, fine={422}),
    "POST /actions/addon-attachments/resolve": ask({"addon_attachment": "{attachment}"}),
    "POST /actions/addons/resolve": ask({"addon": "{addon}"}),
    "POST /addon-attachments": ask({"addon": "{addon}", "app": "shop", "name": "{a_name}"}),
    "DELETE /addon-attachments/:attachment": ask(attachment="{new_attachment}"),
    "PATCH /addons/:addon/config": ask({"config": []}),
    "POST /addons/:addon/alerts": ask({"message": "The disk is full."}),
    "POST /addons/:addon/actions/deprovision": ask(
        addon="{new_provided}", is_the_end=True
    ),
    "POST /apps": ask({}),
    "DELETE /apps/:app": ask(app="{new_app}"),
    "PATCH /apps/:app": ask({"maintenance": False}),
    "PATCH /apps/:app with name": ask({"name": "{a_name}"}, app="{new_app}"),
    "PATCH /apps/:app with build_stack": ask({"build_stack": "kedge-13"}),
    "POST /apps/:app/addons": ask({"plan": "jobs"}),
    "DELETE /apps/:app/addons/:addon": ask(addon="{new_addon}"),
    "PATCH /apps/:app/addons/:addon": ask({"plan": "jobs:team"}, addon="{new_addon}"),
    "PUT /apps/:app/buildpack-installations": ask({"updates": []}),
    "POST /apps/:app/builds": ask({"source_blob": {"url": "{archive}"}}),
    "DELETE /apps/:app/builds/:build": ask(fine={409}),
    "PATCH /apps/:app/config-vars": ask({"COLOUR": "blue"}),
    "POST /apps/:app/domains": ask({"hostname": "{a_name}.example.com", "sni_endpoint": None}),
    "PATCH /apps/:app/domains/:domain": ask({"sni_endpoint": None}),
    "DELETE /apps/:app/domains/:domain": ask(domain="{new_domain}"),
    "POST /apps/:app/dynos": ask({"command": "true"}),
    "POST /apps/:app/dynos/:dyno": ask({"command": "true", "attach": True}),
    "PATCH /apps/:app/features/:feature": ask({"enabled": True}),
    "PATCH /apps/:app/formation": ask({"updates": [{"type": "web", "quantity": 1}]}),
    "PATCH /apps/:app/formation/:process_type": ask({"quantity": 1}),
    "POST /apps/:app/log-sessions": ask({}),
    "GET /apps/:app/pipeline-couplings": ask(fine={404}),
    "POST /apps/:app/releases": ask({"release": "3"}, fine={422}),
    "POST /apps/:app/slugs": ask({"process_types": {"web": "run"}}),
    "POST /kedge/addon-services": ask(MANIFEST, fine={422}),
    "DELETE /kedge/addon-services/:service": ask(service="{new_service}"),
    "POST /kedge/addons/:addon/restore": ask({}, addon="{new_resting}"),
    "GET /kedge/apps/:app/releases/diff": ask(query="?from=3&to=4"),
    "DELETE /kedge/invitations/:email": ask(email="{new_invitation}"),
    "POST /kedge/invitations": ask({"email": "{a_name}@example.com"}),
    "PATCH /kedge/users/:user": ask({"suspended": False}, user="{new_user}"),
    "DELETE /kedge/users/:user": ask(user="{new_user}"),
    "DELETE /oauth/authorizations/:authorization": ask(authorization="{a_token}"),
    "POST /oauth/authorizations/:authorization/actions/regenerate-tokens": ask(
        {}, authorization="{a_token}"
    ),
    "DELETE /oauth/sessions/:session": ask(session="~", fine={404}),
    "PATCH /redis/v0/databases/:database/config": ask({"timeout": 60}, database="{redis}"),
    "POST /client/v11/databases/:database/restores": ask({"backup_url": "b001"}, fine={404, 422}),
    "POST /client/v11/databases/:database/transfers": ask({"from": "{database}"}, fine={422}),
    "POST /client/v11/databases/:database/transfer-schedules": ask({"hour": 4}),
    "DELETE /client/v11/databases/:database/transfer-schedules/:schedule": ask(
        schedule="DATABASE_URL", fine={404}
    ),
    "POST /kedge/databases/:database/consoles": ask({}, fine={409, 422, 503}),
}  # fmt: skip
for _prefix in ("", "/teams"):
    _one, _all = f"{_prefix}{COLLABORATOR}/:collaborator", f"{_prefix}{COLLABORATOR}"
    ASKED[f"POST {_all}"] = ask({"user": "{new_user}"})
    ASKED[f"PATCH {_one}"] = ask({"permissions": ["view"]}, collaborator="{new_collaborator}")
    ASKED[f"DELETE {_one}"] = ask(collaborator="{new_collaborator}")
for _method, _more in (("GET", ""), ("GET", "/config"), ("GET", "/wait"),
                       ("POST", "/credentials_rotation"), ("POST", "/stats/reset")):  # fmt: skip
    ASKED[f"{_method} /redis/v0/databases/:database{_more}"] = ask(database="{redis}")


def lines():
    """The table of docs/access.md."""
    return [found for each in DOCUMENT.read_text().splitlines() if (found := LINE.fullmatch(each))]


def test_every_endpoint_has_a_line(application):
    """What is not in docs/access.md fails here, before anybody asks it."""
    documented = [f"{each['method']} {each['path']}" for each in lines() if not each["member"]]
    there = [f"{method} {each}" for path, method, _ in endpoints(application)
             for each in services_of(path)]  # fmt: skip
    assert sorted(documented) == sorted(there)


def services_of(path):
    """Git's services have an address each, and their own permission."""
    if path.startswith("/:name.git/"):
        more = "" if ":service" in path else "?service=:service"
        return [(path + more).replace(":service", service) for service in http.NEEDS]
    return [path]


@pytest.fixture
def application(services, tmp_path):
    """With git over HTTP, as the platform serves it."""
    run_dir = services.settings.run_dir
    run_dir.mkdir(parents=True, exist_ok=True)
    git = http.blueprint(services, Repositories(tmp_path / "git", 100))
    yield api_application.create(services, [git])
    shutil.rmtree(run_dir)


@pytest.fixture
def world(application, services, owner):
    made = World(application, services, owner.token)
    yield made
    made.close()


def test_everybody_gets_what_they_may_and_nothing_else(world):
    """Each role asks each endpoint: whoever may is answered, others are not, and learn nothing."""
    wrong = [
        f"{line['method']} {line['path']} {told}"
        for line in lines()
        for told in deviations(world, line)
    ]
    assert not wrong, "\n".join(wrong)


def deviations(world, line):
    """What is not as the line says, in words."""
    who = {each.strip() for each in line["who"].split(",")}
    if who & OPEN:
        status = request(world, line, "nobody", may=True).status_code
        if status in (401, 403) and who == {"everybody"}:
            yield f"is not for everybody: {status}"
        return
    allowed = set().union(*(ALLOWED[each] for each in who))
    scope = line["scope"].strip()
    for role in those_who_differ(who):
        # The app's owner shows a token of just the scope that is needed.
        of_scope = world.of_scopes(frozenset({scope})) if scope and role == "owner" else None
        may = role in allowed
        answer = request(world, line, role, of_scope, may=may)
        if told := unlike(line, role, answer, is_allowed=may, is_for=who):
            yield f"by {role}: {told}, {answer.status_code} {answer.get_data(as_text=True)[:200]}"
    if too_narrow := frozenset(each for each in Scope if scope and scope not in COVERS[each]):
        answer = request(world, line, "owner", world.of_scopes(too_narrow), may=False)
        if answer.status_code != 403 or "a token with the scope" not in answer.get_data(True):
            yield f"with the scopes {', '.join(too_narrow)}: {answer.status_code}"


def those_who_differ(who):
    """The roles to ask with: where it is of no app, or of none that is offered, some are alike."""
    if not who & OF_APPS:
        return ("nobody", "provider", "owner", "installation")
    return [role for role in ROLES if role != "recipient" or role in who]


def request(world, line, role, api=None, *, may):
    """One endpoint asked as it is to be asked, of things that are there."""
    world["role"], world.may = role, may
    how = asked(line)
    names = NAMES | how.names
    path = re.sub(r":(\w+)", lambda found: names.get(found[1], found[1]), line["path"])
    path = path.format_map(world) + how.query
    has_body = line["method"] not in ("GET", "HEAD")
    body = filled(world, how.body or {}) if has_body else None
    headers = {"Authorization": ""} if role == "nobody" else {}
    api = api or world.api["leaving" if how.is_the_end and role == "provider" else role]
    if ".git/" in path:  # it speaks its own protocol, in which this is "nothing"
        headers = headers or {"Authorization": f"Bearer {api.token}"}
        client = api.application.test_client()
        return client.open(path, method=line["method"], data=b"0000", headers=headers)
    return api.answer(line["method"], path, body, headers=headers)


def asked(line):
    member = f" with {line['member']}" if line["member"] else ""
    return ASKED.get(f"{line['method']} {line['path']}{member}", Ask())


def filled(world, value):
    """A body with the names of things of the world in the place of their braces."""
    if isinstance(value, str):
        return value.format_map(world)
    if isinstance(value, dict):
        return {key: filled(world, each) for key, each in value.items()}
    return [filled(world, each) for each in value] if isinstance(value, list) else value


def unlike(line, role, answer, *, is_allowed, is_for):
    """What is wrong with an answer to a role; None when it is as it must be."""
    status = answer.status_code
    if is_allowed:
        return None if status in asked(line).fine else "is to be answered"
    if role == "nobody":
        return None if status == 401 else "is to show a token"
    is_git_asking = ".git/" in line["path"] and role == "provider"
    if status not in (403, 404, 401 if is_git_asking else 403):
        return "is to be refused"
    is_hidden = role in ("stranger", "recipient") and is_for & HIDES
    return "is to learn nothing" if is_hidden and status != 404 else None
