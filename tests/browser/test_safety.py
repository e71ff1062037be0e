"""What no page and no form gives away or lets through, whoever sends it."""

from __future__ import annotations

import re
import threading
import uuid

import httpx
import pytest

from kedge.ops import addon_directory, addon_services, apps
from providers.third_party import ThirdParty

TOKEN = re.compile(r'name="token" value="([^"]+)"')


def token_of(client, path="/dashboard/new"):
    """The token of a page's forms."""
    return TOKEN.search(client.get(path).text)[1]


def named(prefix="n"):
    """A name no app has."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def test_a_form_without_its_token_changes_nothing(people, owner, platform):
    """Without a token, with another session's, or with a changed one: refused, in words."""
    client, other = people.client(owner), people.client(people.make())
    name, good = named(), token_of(client)
    for token in (None, "", token_of(other), good[:-1] + "x", good.partition(".")[0]):
        form = {"name": name} | ({"token": token} if token is not None else {})
        answer = client.post("/dashboard/new", data=form)
        assert answer.status_code == 403
        assert "nothing was changed" in answer.text
    assert client.get(f"/dashboard/apps/{name}").status_code == 404
    assert client.post("/dashboard/new", data={"name": name, "token": good}).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://shop.localhost"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_form_from_elsewhere_changes_nothing(people, owner, headers):
    """Another site, a neighbouring app, or nowhere: even with the right token it is refused."""
    client, name = people.client(owner), named()
    form = {"name": name, "token": token_of(client)}
    assert client.post("/dashboard/new", data=form, headers=headers).status_code == 403
    assert client.get(f"/dashboard/apps/{name}").status_code == 404


def test_a_form_without_any_origin_is_refused(people, owner, platform):
    """A client that does not say where a form comes from gets nothing done."""
    cookies = {"kedge-session": people.session(owner)}
    with httpx.Client(base_url=platform.url, cookies=cookies, trust_env=False) as client:
        form = {"name": named(), "token": token_of(client)}
        assert client.post("/dashboard/new", data=form).status_code == 403
        named_by_referer = {"Referer": f"{platform.url}/dashboard/new"}
        answer = client.post("/dashboard/new", data=form, headers=named_by_referer)
        assert answer.status_code == 303


def test_json_is_no_form(people, owner):
    """What a page of another site could send without being asked is not taken."""
    client = people.client(owner)
    answer = client.post("/dashboard/new", json={"token": token_of(client), "name": named()})
    assert answer.status_code == 400
    plain = {"Content-Type": "text/plain"}
    assert client.post("/dashboard/new", content="name=x", headers=plain).status_code == 400


def test_a_double_click_counts_once(people, owner, platform):
    """Two sendings of one form make one app, and both lead to it; another form makes another."""
    client = people.client(owner)
    form = {"token": token_of(client), "name": ""}
    answers = []

    def send():
        with people_client(platform, client) as own:
            answers.append(own.post("/dashboard/new", data=form))

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [303] * 5
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert len(names_of(platform, owner)) == 1
    client.post("/dashboard/new", data={**form, "name": named()})
    assert len(names_of(platform, owner)) == 2


def test_two_clicks_make_one_add_on(people, shop):
    """What costs is made once, however often its button is pressed before there is an answer."""
    client = people.client(shop.owner)
    with ThirdParty(named("db")) as provider:
        addon_services.register(shop.services, None, provider.manifest())
        path, answers = shop.path("resources", "addons", provider.service), []
        form = {"token": token_of(client, path), "plan": f"{provider.service}:free"}

        def send():
            with people_client(people.platform, client) as own:
                answers.append(own.post(path, data=form).status_code)

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [303] * 4
    assert len(addon_directory.list_of_app(shop.services, shop.owner, shop.name)) == 1


def test_back_and_sent_once_more(people, shop):
    """Who goes back to a form that was sent and sends it again gets the first answer."""
    client = people.client(shop.owner)
    question = shop.path("activity", "v3", "rollback")
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', client.get(question).text)
    before = shop.version()
    answers = [client.post(question, data=dict(found)) for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303]
    assert shop.version() == before + 1


STALE = {
    "settings/domains/remove": {"hostname": "gone.example.com"},
    "access/change": {"email": "gone@example.com", "permission": "view"},
    "access/remove": {"email": "gone@example.com"},
    "detach": {"attachment": "GONE"},
    "addons/gone/plan": {"plan": "gone"},
    "addons/gone/destroy": {"confirm": "gone"},
    "addons/gone/restore": {},
    "stop": {"what": "web.9"},
    "activity/v99/rollback": {},
    "deploy/rebuild": {"ref": "gone"},
    "config": {"key": "GREETING", "value": "Hi", "version": "1"},
    "config/save": {"text": "GREETING=Hi", "version": "1"},
    "formation": {"type": "gone", "quantity.gone": "1", "size.gone": "Basic"},
    "formation#size": {"type": "web", "quantity.web": "1", "size.web": "Huge"},
    "formation#count": {"type": "web", "quantity.web": "-1", "size.web": "Basic"},
    "formation#words": {"type": "web", "quantity.web": "many", "size.web": "Basic"},
    "settings/buildpacks": {"buildpack": "no-such-buildpack"},
    "settings/transfer": {"email": "nobody-here@example.com"},
}


def test_what_somebody_else_removed_meanwhile(people, shop):
    """Forms of a page that is out of date are refused in words; none is a fault of ours."""
    client, before = people.client(shop.owner), shop.version()
    token = token_of(client)
    for form, fields in STALE.items():
        answer = client.post(shop.path(form.partition("#")[0]), data={**fields, "token": token})
        assert answer.status_code in {400, 404, 409, 422}, (form, answer.status_code)
        assert re.search(r'role="alert"|<h1>', answer.text), form
    assert shop.version() == before
    apps.rename(shop.services, shop.owner, shop.name, named())
    old = client.post(shop.path("restart"), data={"token": token})
    assert (old.status_code, "<h1>Not found</h1>" in old.text) == (404, True)


def test_names_that_would_be_markup(people, owner):
    """They are refused, and shown as they were typed."""
    client, evil = people.client(owner), '"><script>alert(1)</script>'
    answer = client.post("/dashboard/new", data={"token": token_of(client), "name": evil})
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


def test_a_refused_form_may_be_sent_again(people, owner, platform):
    """Only what was accepted counts as sent."""
    client, name = people.client(owner), named()
    other = people.make()
    apps.create(platform.services, other, name)
    form = {"token": token_of(client), "name": name}
    assert client.post("/dashboard/new", data=form).status_code == 422
    apps.rename(platform.services, other, name, named("gone"))
    assert client.post("/dashboard/new", data=form).status_code == 303


def test_every_page_says_what_it_may_load_and_is_kept_by_nobody(people, owner, shop):
    """No inline script or style, no frame, no guess at types, nothing in a cache."""
    client = people.client(owner)
    for path in ("/", shop.path(), shop.path("settings"), "/dashboard/nope", "/dashboard/sign-in"):
        answer = client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'; base-uri 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "style=" not in answer.text
        assert not re.search(r"<script(?! type=\"module\" src=)", answer.text)
        assert " on" + "click" not in answer.text


def test_assets_are_ours_and_kept_for_ever(people):
    """Stylesheets and scripts come from here, packed, under an address that names their version."""
    client = people.client()
    page = client.get("/dashboard/sign-in").text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
    for path in re.findall(r'(?:src|href)="(/dashboard/static/[^"]+)"', page):
        answer = client.get(path)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        older = re.sub(r"static/\w+/", "static/older/", path)
        assert client.get(older).headers["Cache-Control"] == "no-cache"
    assert client.get("/dashboard/static/x/nothing.js").status_code == 404
    assert client.get("/dashboard/static/x/..%2fgate.py").status_code != 200


def test_the_session_s_cookie(people, owner, platform):
    """Scripts cannot read it, other sites do not send it, over https no neighbour can set it."""
    client = people.client()
    form = {"token": token_of(client, "/dashboard/sign-in"), "email": owner.email}
    form["password"] = "correct horse battery"
    answer = client.post("/dashboard/sign-in", data=form)
    cookie = next(c for c in answer.headers.get_list("Set-Cookie") if "session" in c)
    assert cookie.startswith("kedge-session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie

    secure = {"X-Forwarded-Proto": "https"}
    answer = client.get("/dashboard/sign-in", headers=secure)
    visit = answer.headers["Set-Cookie"]
    assert visit.startswith("__Host-kedge-visit=")
    assert "Secure" in visit
    own = {"Cookie": visit.partition(";")[0]} | secure
    form["token"] = TOKEN.search(answer.text)[1]
    answer = client.post("/dashboard/sign-in", data=form, headers=own)
    cookie = next(c for c in answer.headers.get_list("Set-Cookie") if "session=" in c)
    assert cookie.startswith("__Host-kedge-session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    plain_name = {"Cookie": f"kedge-session={people.session(owner)}"}
    assert client.get("/", headers=plain_name | secure).status_code == 303


def test_a_session_somebody_planted_is_not_taken_over(people, owner):
    """A sign-in makes a new session, whatever the browser had, and old tokens are worth nothing."""
    client = people.client()
    client.cookies.set("kedge-session", "planted")
    assert client.get("/").status_code == 303
    form = {"token": token_of(client, "/dashboard/sign-in"), "email": owner.email}
    answer = client.post("/dashboard/sign-in", data={**form, "password": "correct horse battery"})
    made = answer.cookies["kedge-session"]
    assert made != "planted"
    first = people.session(owner)
    assert made != first


def test_who_signed_out_elsewhere_is_signed_out(people, owner):
    """The token of a session that was ended opens nothing any more."""
    token = people.session(owner)
    client = people.client()
    client.cookies.set("kedge-session", token)
    assert client.get("/").status_code == 200
    client.post("/dashboard/sign-out", data={"token": token_of(client)})
    client.cookies.set("kedge-session", token)
    assert client.get("/").headers["Location"] == "/dashboard/sign-in"
    assert client.get("/dashboard/live?page=apps").status_code == 401


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example/", "/\\evil.example", "https://evil.example/", "/\t/evil.example", "evil"],
)
def test_a_sign_in_leads_nowhere_else(people, owner, wanted):
    """What comes after a sign-in is a page of this platform, whatever the address says."""
    client = people.client()
    form = {"token": token_of(client, "/dashboard/sign-in"), "email": owner.email, "next": wanted}
    answer = client.post("/dashboard/sign-in", data={**form, "password": "correct horse battery"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_a_revealed_value_is_nobody_else_s(people, owner, shop):
    """The address that shows a value is of one session, one key, and one minute."""
    client = people.client(owner)
    form = {"token": token_of(client), "key": "STRIPE_KEY"}
    path = client.post(shop.path("config", "reveal"), data=form).headers["Location"]
    assert "hunter2" in client.get(path).text
    assert "hunter2" not in people.client(owner).get(path, follow_redirects=True).text
    assert client.get(path.replace("STRIPE_KEY", "GREETING")).status_code == 303
    assert client.get(re.sub(r"until=\d+", "until=99999999999", path)).status_code == 303


def test_an_output_is_of_its_app(people, owner, shop, platform):
    """Who names another app's output on their own app's page does not get it."""
    stranger = people.make()
    theirs = apps.create(platform.services, stranger, named("theirs"))
    build = shop.build(run=False, output=b"secret\n")
    path = f"/dashboard/live?page=build&app={theirs.id}&build={build.id}&output={build.output_id}"
    assert people.client(stranger).get(path).status_code == 404


def names_of(platform, actor):
    """The names of somebody's apps."""
    from kedge.ops import glances

    found = glances.list_glances(platform.services, actor, limit=50)
    return [each.name for each in found.apps]


def people_client(platform, client):
    """Another connection with the same cookies."""
    return httpx.Client(
        base_url=platform.url, cookies=client.cookies, trust_env=False, timeout=30,
        headers={"Origin": platform.url},
    )  # fmt: skip
