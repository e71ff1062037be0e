"""Apps over the API."""

import threading
import uuid

import pytest


def test_a_new_app_has_two_releases(api):
    """An app is made with the name asked for and its first two releases, in Heroku's words."""
    app = api.post("/apps", {"name": "hello"})
    assert app["name"] == "hello"
    rows = api.get("/apps/hello/releases")
    assert [(row["version"], row["description"]) for row in rows] == [
        (1, "Initial release"),
        (2, "Enable Logplex"),
    ]
    assert [row["current"] for row in rows] == [False, True]


def test_a_name_is_made_up(api):
    """An app without a name gets one that may be one."""
    for body in ({}, {"name": None}, {"name": "", "region": None, "stack": None, "team": None}):
        assert api.get(f"/apps/{api.post('/apps', body)['name']}")


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 31,
        "Hello",
        "1app",
        "app-",
        "-app",
        "my_app",
        "my.app",
        "é",
        "app\n",
        7,
        ["a"],
        "localhost",
        "api",
        "git",
        "www",
        "heroku",
        "kedge",
        "id",
        "data",
    ],
)
def test_names_that_may_not_be(api, name):
    """A name that breaks Heroku's rule or is the platform's own is refused in words with 422."""
    refused = api.post("/apps", {"name": name}, 422)
    assert refused["id"] == "invalid_params"
    assert "Name" in refused["message"]


def test_a_name_is_taken_once(api, hello):
    """A second app of one name is refused in Heroku's words."""
    assert "Name hello is already taken" in api.post("/apps", {"name": "hello"}, 422)["message"]


def test_two_creations_at_once(api, application):
    """Of two apps made with one name at the same time one comes to be, the other is refused."""
    statuses = _at_once(2, lambda: api.answer("POST", "/apps", {"name": "twins"}).status_code)
    assert sorted(statuses) == [201, 422]


def test_what_is_not_here_is_refused(api):
    """Teams, spaces, other regions and other stacks are refused in words, none is ignored."""
    for body in ({"team": "x"}, {"space": "x"}, {"region": "eu"}, {"stack": "heroku-24"}):
        assert api.post("/apps", {"name": "hello", **body}, 422)["message"]
    stack = api.get("/stacks")[0]
    made = api.post("/apps", {"name": "hello", "region": "local", "stack": stack["id"]})
    assert made["stack"]["name"] == stack["name"]


def test_an_app_is_found_by_name_and_id(api, hello):
    """The path names an app by its name or its id; anything else is 404 in Heroku's words."""
    assert api.get("/apps/hello") == api.get(f"/apps/{hello.id}")
    for unknown in ("nothing", str(uuid.uuid4()), "a%00b", "%ff", "x" * 300):
        refused = api.get(f"/apps/{unknown}", 404)
        assert refused["id"] == "not_found"
    assert api.get("/apps/nothing", 404) == {
        "id": "not_found",
        "message": "Couldn't find that app.",
        "resource": "app",
    }


def test_fields_the_official_cli_needs(api, hello):
    """The members the official CLI crashes without are there, null or not."""
    app = api.get("/apps/hello")
    assert app["owner"]["email"]
    assert app["region"]["name"]
    assert app["stack"]["name"] == app["build_stack"]["name"]
    assert app["generation"]["name"] == "cedar"
    for member in ("repo_size", "slug_size", "space", "team", "released_at", "archived_at"):
        assert app[member] is None
    assert app["web_url"] == "http://hello.localhost:8080/"


def test_addresses_follow_the_request(api, hello):
    """The addresses in an answer lead where the request came in: scheme, host and port."""
    headers = {"Host": "paas.example.com:8443", "X-Forwarded-Proto": "https"}
    app = api.get("/apps/hello", headers=headers)
    assert app["git_url"] == "https://paas.example.com:8443/hello.git"
    assert app["web_url"] == "https://hello.localhost:8443/"


def test_rename(api, hello):
    """A renamed app keeps its id, answers to its new name only, and its domain follows."""
    assert api.patch("/apps/hello", {"name": "bye"})["id"] == hello.id
    api.get("/apps/hello", 404)
    assert [row["hostname"] for row in api.get("/apps/bye/domains")] == ["bye.localhost"]
    api.post("/apps", {"name": "hello"})
    assert "taken" in api.patch("/apps/bye", {"name": "hello"}, 422)["message"]


def test_maintenance(api, hello):
    """Maintenance mode is turned on and off, and the log says by whom."""
    assert api.patch("/apps/hello", {"maintenance": True})["maintenance"] is True
    assert api.patch("/apps/hello", {"maintenance": "false"})["maintenance"] is False
    assert api.patch("/apps/hello", {"maintenance": "perhaps"}, 422)["message"]
    assert api.patch("/apps/hello", {})["maintenance"] is False


def test_stack_set(api, hello):
    """The next build's stack is one there is, or the request is refused."""
    assert api.patch("/apps/hello", {"build_stack": "kedge-13"})["name"] == "hello"
    assert "kedge-13" in api.patch("/apps/hello", {"build_stack": "heroku-18"}, 422)["message"]


def test_delete(api, hello):
    """A destroyed app is gone for readers at once, and takes no changes."""
    assert api.delete("/apps/hello")["name"] == "hello"
    api.get("/apps/hello", 404)
    api.get("/apps/hello/config-vars", 404)
    assert api.get("/apps") == api.get("/users/~/apps") == []
    assert api.patch("/apps/hello/config-vars", {"A": "b"}, 409)["id"] == "conflict"
    assert api.delete("/apps/hello", 409)["id"] == "conflict"
    assert "taken" in api.post("/apps", {"name": "hello"}, 422)["message"]


def test_two_deletes_at_once(api, hello):
    """Of two deletions at the same time one is told that it was done, the other that it is."""
    statuses = _at_once(2, lambda: api.answer("DELETE", "/apps/hello").status_code)
    assert sorted(statuses) == [200, 409]


def test_lists_are_one_s_own(api, services, hello):
    """Of somebody else's app one sees nothing: not in lists, not by name, not by id."""
    other = _account(api, services, "somebody@example.com")
    assert other.get("/apps") == []
    for path in ("/apps/hello", f"/apps/{hello.id}", "/apps/hello/config-vars"):
        other.get(path, 404)
    other.delete("/apps/hello", 404)
    other.post("/apps", {"name": "mine"})
    assert [app["name"] for app in other.get("/users/~/apps")] == ["mine"]
    assert [app["name"] for app in api.get("/apps")] == ["hello", "mine"]


def test_pages(api):
    """A list longer than asked for comes in pages of 206, which together hold each app once."""
    for number in range(7):
        api.post("/apps", {"name": f"app-{number}"})
    names = [f"app-{number}" for number in range(7)]
    for span, expected in (
        ("name ..; max=3", names),
        ("name ..; order=desc,max=2", names[::-1]),
        ("name ]app-4..; max=1", names[5:]),
        ("name app-2..app-5; max=2", names[2:6]),
        ("name app-2..app-5; max=2, order=desc", names[2:6][::-1]),
    ):
        pages = api.pages("/apps", span)
        assert [app["name"] for page in pages for app in page] == expected, span
    by_moment = api.pages("/apps", "created_at ..; max=2")
    assert [app["name"] for page in by_moment for app in page] == names
    by_id = [app["id"] for page in api.pages("/apps", "id ..; max=3;") for app in page]
    assert by_id == sorted(by_id)
    assert len(by_id) == 7


def test_every_row_of_one_moment_is_in_the_pages(api, services):
    """Rows made at the same moment are told apart by id, so that no page loses or repeats one."""
    from sqlalchemy import text

    for number in range(5):
        api.post("/apps", {"name": f"app-{number}"})
    with services.database.transaction() as tx:
        tx.execute(text("update apps set created_at = '2026-01-01'"))
    for span in ("created_at ..; max=2", "created_at ..; max=2, order=desc"):
        pages = api.pages("/apps", span)
        assert [len(page) for page in pages] == [2, 2, 1]
        assert len({app["id"] for page in pages for app in page}) == 5


def _account(api, services, email):
    from api.conftest import Api
    from kedge.model.account import Account
    from kedge.ops.accounts import _authorization

    with services.database.transaction() as tx:
        account = Account(email=email)
        tx.add(account)
        tx.flush()
        tx.add(_authorization(account, f"token of {email}", "test"))
    return Api(api.application, f"token of {email}")


def _at_once(count, act):
    start, found = threading.Barrier(count), []

    def run():
        start.wait()
        found.append(act())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
