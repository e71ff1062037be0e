"""Domains over the API."""

import uuid

import pytest


def test_an_app_has_a_domain_of_its_own(api, hello):
    """The first domain of an app is its name under the platform's domain, and it stays."""
    (own,) = api.get("/apps/hello/domains")
    assert (own["kind"], own["hostname"], own["status"]) == ("heroku", "hello.localhost", "none")
    assert "stays" in api.delete("/apps/hello/domains/hello.localhost", 422)["message"]


def test_a_domain_of_one_s_own(api, hello):
    """A custom domain says where to point it, is found by name and id, and can be removed."""
    body = {"hostname": "WWW.Example.com.", "sni_endpoint": None}
    made = api.post("/apps/hello/domains", body)
    assert (made["kind"], made["hostname"]) == ("custom", "www.example.com")
    assert made["cname"] == "hello.localhost"
    assert api.get("/apps/hello/domains/www.example.com") == made
    assert api.get(f"/apps/hello/domains/{made['id']}") == made
    assert [row["kind"] for row in api.get("/apps/hello/domains")] == ["heroku", "custom"]
    assert api.delete("/apps/hello/domains/www.example.com")["id"] == made["id"]
    api.get("/apps/hello/domains/www.example.com", 404)
    api.delete(f"/apps/hello/domains/{uuid.uuid4()}", 404)


def test_wildcards_and_other_scripts(api, hello):
    """A wildcard may be a domain, and a name in another script is kept in its ASCII form."""
    assert api.post("/apps/hello/domains", {"hostname": "*.example.com"})
    name = api.post("/apps/hello/domains", {"hostname": "bücher.example"})["hostname"]
    assert name == "xn--bcher-kva.example"
    assert api.get("/apps/hello/domains/*.example.com")


def test_a_name_leads_to_one_app(api, hello):
    """A domain in use by one app is refused to another."""
    api.post("/apps", {"name": "other"})
    api.post("/apps/hello/domains", {"hostname": "www.example.com"})
    refused = api.post("/apps/other/domains", {"hostname": "www.example.com"}, 422)
    assert "in use" in refused["message"]


@pytest.mark.parametrize(
    "hostname",
    [
        None,
        "",
        7,
        ["a.b"],
        "localhost",
        "x.localhost",
        "http://a.example",
        "a.example/x",
        "a b.c",
        "-a.example",
        "a..b",
        "a." * 127 + "example",
        "x" * 64 + ".example",
        "a\n.example",
        "*",
        "127.0.0.1",
        "10.210.0.1",
        "[::1]",
    ],
)
def test_names_that_may_not_be(api, hello, hostname):
    """What is no host name, or lies under the platform's own domain, is refused in words."""
    assert api.post("/apps/hello/domains", {"hostname": hostname}, 422)["message"]
    assert len(api.get("/apps/hello/domains")) == 1


def test_a_domain_has_no_sni_endpoint(api, hello):
    """Null is taken and changes nothing; another one is not found, with words that say why."""
    made = api.post("/apps/hello/domains", {"hostname": "www.example.com", "sni_endpoint": None})
    place = f"/apps/hello/domains/{made['id']}"
    assert api.patch(place, {"sni_endpoint": None}) == made
    assert api.patch("/apps/hello/domains/www.example.com", {"sni_endpoint": None}) == made
    for identity in ("tyrannosaurus-42", str(uuid.uuid4()), {"id": str(uuid.uuid4())}):
        refused = api.patch(place, {"sni_endpoint": identity}, 422)
        assert "Couldn't find that SNI endpoint" in refused["message"]
        added = {"hostname": "two.example.com", "sni_endpoint": identity}
        assert api.post("/apps/hello/domains", added, 422)["resource"] == "sni_endpoint"
    assert "sni_endpoint is needed" in api.patch(place, {}, 422)["message"]
    api.patch("/apps/hello/domains/other.example.com", {"sni_endpoint": None}, 404)
    own = api.patch("/apps/hello/domains/hello.localhost", {"sni_endpoint": None}, 422)
    assert "own address" in own["message"]
