"""What holds for every request: unreadable ones, errors, ids, caching."""

import json
from types import SimpleNamespace

import pytest

from api.conftest import tarball
from kedge.ops import platform

PATCH = "/apps/hello/config-vars"


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (b"{", 400),
        (b'{"A": }', 400),
        (b"\xff\xfe", 400),
        (b'{"A": "\xff"}', 400),
        (b'{"A": NaN}', 400),
        (b'{"A": Infinity}', 400),
        (b'{"A": ' + b"9" * 5000 + b"}", 400),
        (b'{"A": 1e999}', 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"7", 422),
        (b"null", 422),
        (b"[" * 100_000, 422),
        (b"[" * 100_000 + b"]" * 100_000, 422),
        (b'{"A":' * 50 + b"1" + b"}" * 50, 422),
        (b'{"A": "\\u0000"}', 422),
        (b'{"\\u0000": "A"}', 422),
        (b'{"A": "\\ud800"}', 422),
        (b'{"A": {"B": ["\\udfff"]}}', 422),
    ],
    ids=range(19),
)
def test_bodies_that_cannot_be_taken(api, hello, payload, status):
    """A body that is broken, of another kind, too deep, or with text nobody can keep: words."""
    answer = api.answer("PATCH", PATCH, data=payload)
    assert answer.status_code == status, answer.text
    assert answer.json["message"]
    assert api.get(PATCH) == {}


def test_large_bodies(api, hello):
    """JSON of more than 1 MB is 413, whether or not its length is told."""
    large = json.dumps({"A": "x" * 10_000_000}).encode()
    assert api.answer("PATCH", PATCH, data=large).status_code == 413
    chunked = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    import io

    stream = io.BytesIO(large)
    answer = api.answer("PATCH", PATCH, input_stream=stream, environ_overrides=chunked)
    assert answer.status_code == 413
    assert "1024 KB" in answer.json["message"]


def test_an_empty_body_is_an_empty_object(api):
    """Clients that send no body at all mean an empty object."""
    assert api.post("/apps", data=b"", headers={"Content-Type": "application/json"})
    assert api.post("/apps", data=b"  \n")


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/apps/hello/nothing", "//apps", "/apps//x", "/%00"]
)
def test_unknown_paths(api, hello, path):
    """An unknown path is 404 in Heroku's form; slashes are never merged into a redirect."""
    answer = api.answer("GET", path)
    assert answer.status_code == 404
    assert answer.json["id"] == "not_found"


def test_wrong_methods(api, hello):
    """A method an endpoint does not have is 405 in JSON, and says which it has."""
    answer = api.answer("PUT", "/apps/hello")
    assert answer.status_code == 405
    assert answer.json["id"] == "method_not_allowed"
    assert "PATCH" in answer.headers["Allow"]


def test_two_slashes_in_a_name(api, hello):
    """A name with two slashes in it reaches the endpoint it is for."""
    assert api.answer("GET", "/apps/hello/domains/syslog%3A%2F%2Fhost").status_code == 404
    assert api.get("/apps/hello/dynos/a%2Fb", 404)["id"] == "not_found"


def test_request_ids(api):
    """The client's ids come back as they were sent; without any, or with odd ones, there is one."""
    for sent in ("7d9c2a", ",".join(["01234567-89ab-cdef-0123-456789abcdef"] * 180)):
        answer = api.answer("GET", "/account", headers={"Request-Id": sent})
        assert answer.headers["Request-Id"] == sent
    for odd in ("", "x" * 8000, "a;b", "é"):
        answer = api.answer("GET", "/account", headers={"Request-Id": odd})
        assert len(answer.headers["Request-Id"]) == 36


def test_rate_limit_header(api):
    """Every answer has the header client libraries look for, errors too."""
    assert int(api.answer("GET", "/account").headers["RateLimit-Remaining"]) > 0
    assert int(api.answer("GET", "/nothing").headers["RateLimit-Remaining"]) > 0


def test_an_answer_one_has_already(api, hello):
    """A GET answer has an ETag, and who sends it back gets 304 as long as nothing changed."""
    tag = api.answer("GET", "/apps/hello").headers["ETag"]
    same = api.answer("GET", "/apps/hello", headers={"If-None-Match": tag})
    assert (same.status_code, same.data) == (304, b"")
    api.patch("/apps/hello", {"maintenance": True})
    assert api.answer("GET", "/apps/hello", headers={"If-None-Match": tag}).status_code == 200


def test_versions_of_the_api(api):
    """Every variant of version 3 that clients ask for is answered alike."""
    for variant in ("3", "3.sdk", "3.cedar-acm", "3.webhooks"):
        headers = {"Accept": f"application/vnd.heroku+json; version={variant}"}
        assert api.get("/account", headers=headers)["email"]
    assert api.get("/account", headers={"Range": "id ..; max=1000"})["email"]


def test_the_database_is_away(api, services, hello):
    """Without PostgreSQL every request is 503 in words that say what to do, and none hangs."""
    from kedge.api.application import create
    from kedge.db import Database

    away = Database("postgresql://kedge@/x?host=/nowhere")
    from dataclasses import replace

    from api.conftest import Api

    answer = Api(create(replace(services, database=away)), api.token).answer("GET", "/apps")
    assert answer.status_code == 503
    assert "database does not answer" in answer.json["message"]


def test_a_bug_of_ours(api, monkeypatch):
    """An unexpected error is 500 with an id that is in the log, and nothing of its cause."""
    from structlog.testing import capture_logs

    from kedge.ops import accounts

    def fail(*_):
        raise RuntimeError("the password is sesame")

    monkeypatch.setattr(accounts, "account_of", fail)
    with capture_logs() as logs:
        answer = api.answer("GET", "/account")
    assert answer.status_code == 500
    assert "sesame" not in answer.text
    failed = next(line for line in logs if line["event"] == "api.failed")
    assert failed["request"] in answer.json["message"]
    assert "sesame" in failed["traceback"]


def test_a_value_nothing_bounds(api, monkeypatch):
    """A value the database cannot hold is the request's fault, not a server error."""
    from kedge.ops import accounts

    def too_long(services, *_):
        from sqlalchemy import text

        with services.database.transaction() as tx:
            tx.execute(text("select 'x'::int"))

    monkeypatch.setattr(accounts, "account_of", too_long)
    assert api.get("/account", 422)["id"] == "invalid_params"


def test_access_lines_hold_no_secrets(api, hello):
    """A request's log line names rule, app, status and who; no token, secret address or body."""
    from structlog.testing import capture_logs

    url = api.post("/apps/hello/log-sessions", {})["logplex_url"]
    with capture_logs() as logs:
        api.patch(PATCH, {"TOKEN": "sesame-open-up"})
        api.application.test_client().get(url.removeprefix("http://localhost"))
    lines = [SimpleNamespace(**line) for line in logs if line["event"] == "api.request"]
    assert [line.rule for line in lines] == ["/apps/<app>/config-vars", "/logs/<secret>"]
    assert (lines[0].app, lines[0].status, lines[0].user) == ("hello", 200, "owner@localhost")
    shown = str(logs)
    assert not any(secret in shown for secret in ("sesame", api.token, url.rsplit("/", 1)[1]))


def test_reads_are_few_statements(api, services, deployer, hello):
    """A read asks the database a bounded number of things, however many rows there are."""
    from sqlalchemy import event

    deployer.deploy()
    for number in range(4):
        api.post("/apps", {"name": f"app-{number}"})
        api.patch(PATCH, {"A": str(number)})
        deployer.build()
        deployer.dyno(ordinal=number + 1)
    statements, begun = [], []
    engine = services.database._engine
    event.listen(engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    event.listen(engine, "begin", begun.append)
    for path in ("", "/releases", "/config-vars", "/builds", "/formation", "/dynos", "/domains"):
        statements.clear()
        begun.clear()
        api.get(f"/apps/hello{path}")
        assert len(begun) == 2, path
        assert len(statements) <= 4, statements
    statements.clear()
    api.get("/apps")
    assert len(statements) == 2


def test_the_queue_is_one_statement_for_each_kind(api, services, deployer, owner):
    """What waits is read with its apps, however many apps that is of."""
    from sqlalchemy import event

    for number in range(4):
        api.post("/apps", {"name": f"app-{number}"})
        url = deployer.upload(tarball(Procfile="web: serve\n"))
        api.post(f"/apps/app-{number}/builds", {"source_blob": {"url": url}})
    statements = []
    event.listen(
        services.database._engine, "before_cursor_execute", lambda *a: statements.append(a[2])
    )
    found = platform.queue(services, owner.actor)
    assert found.count == 4
    assert len(statements) == 3
