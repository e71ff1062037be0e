"""What there is to choose from, and what there is none of."""

import pytest

from kedge.model.formation import SIZES


def test_dyno_sizes(api):
    """All sizes are listed, found by name in any case and by id."""
    rows = api.get("/dyno-sizes")
    assert [row["name"] for row in rows] == list(SIZES)
    standard = next(row for row in rows if row["name"] == "Standard-2X")
    assert standard["memory"] == 1.0
    assert api.get("/dyno-sizes/standard-2x") == api.get(f"/dyno-sizes/{standard['id']}")
    api.get("/dyno-sizes/huge", 404)


def test_stacks_and_regions(api, hello):
    """The one stack and the one region are listed, and found by name and id."""
    for noun, path in (("stacks", "/stacks"), ("regions", "/regions")):
        (row,) = api.get(path)
        assert api.get(f"/{noun}/{row['name']}") == api.get(f"/{noun}/{row['id']}") == row
        api.get(f"/{noun}/nowhere", 404)
    assert api.get("/apps/hello/available-stacks") == api.get("/stacks")
    assert api.get("/apps/hello/available-dyno-sizes") == api.get("/dyno-sizes")


@pytest.mark.parametrize(
    "path",
    [
        "/teams",
        "/spaces",
        "/enterprise-accounts",
        "/addons",
        "/addon-attachments",
        "/pipelines",
        "/account/features",
        "/apps/hello/addons",
        "/apps/hello/addon-attachments",
        "/apps/hello/log-drains",
        "/apps/hello/sni-endpoints",
        "/apps/hello/webhooks",
        "/account/keys",
        "/oauth/sessions",
    ],
)
def test_empty_lists(api, hello, path):
    """What an installation has none of is an empty list, as clients expect it."""
    assert api.get(path) == []
    assert api.get(path, headers={"Range": "id ..; max=1000"}) == []


def test_no_pipeline(api, hello):
    """An app in no pipeline has no coupling."""
    assert api.get("/apps/hello/pipeline-couplings", 404)["id"] == "not_found"


def test_the_owner_is_the_one_collaborator(api, hello):
    """An app's collaborators are its owner."""
    (row,) = api.get("/apps/hello/collaborators")
    assert (row["role"], row["user"]["email"]) == ("owner", "owner@localhost")


def test_the_schema_is_what_is_served(api, application):
    """The schema holds every official link that is served here, and no other."""
    from api.schema import SCHEMA, document

    schema = application.test_client().get("/schema").json
    assert schema["definitions"].keys() == document()["definitions"].keys()
    links = {
        (link["method"], link["href"])
        for definition in schema["definitions"].values()
        for link in definition["links"]
    }
    assert len(links) > 40
    assert not any("pipeline-promotions" in href for _, href in links)
    assert SCHEMA.exists()


def test_short_lists_come_in_pages_too(api):
    """A list of any length follows the Range header: a part, an order, and what comes next."""
    names = sorted(SIZES)
    for span, expected in (
        ("name ..; max=4", names),
        ("name ..; max=2, order=desc", names[::-1]),
        ("name Eco..Standard-1X; max=1", [n for n in names if "Eco" <= n <= "Standard-1X"]),
        ("name ]Eco..", [n for n in names if n > "Eco"]),
    ):
        pages = api.pages("/dyno-sizes", span)
        assert [row["name"] for page in pages for row in page] == expected, span
    assert api.answer("GET", "/dyno-sizes", headers={"Range": "cost a.."}).status_code == 416
