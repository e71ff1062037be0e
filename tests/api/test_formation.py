"""The formation and dynos over the API."""

import uuid

import pytest

from kedge.errors import Conflict
from kedge.ops import formations


@pytest.fixture
def deployed(deployer, hello):
    """An app that is live, with a web and a worker process."""
    return deployer.deploy()


def test_the_first_deploy_runs_one_web_dyno(api, deployed):
    """The first deploy of an app wants one web dyno and none of the other types."""
    rows = {row["type"]: row for row in api.get("/apps/hello/formation")}
    assert {name: row["quantity"] for name, row in rows.items()} == {"web": 1, "worker": 0}
    assert rows["web"]["command"] == "python app.py"
    assert rows["web"]["size"] == rows["web"]["dyno_size"]["name"] == "Standard-1X"


def test_scaling_several_at_once(api, deployed):
    """Quantities come as numbers, as text or as changes; sizes in any case, by name or by id."""
    updates = [
        {"type": "web", "quantity": "+2", "size": "standard-2x"},
        {"type": "worker", "quantity": "3"},
    ]
    changed = api.patch("/apps/hello/formation", {"updates": updates})
    assert [(r["type"], r["quantity"], r["size"]) for r in changed] == [
        ("web", 3, "Standard-2X"),
        ("worker", 3, "Standard-1X"),
    ]
    size = next(s for s in api.get("/dyno-sizes") if s["name"] == "Performance-M")
    row = api.patch("/apps/hello/formation/web", {"quantity": 1, "dyno_size": {"id": size["id"]}})
    assert (row["quantity"], row["size"]) == (1, "Performance-M")
    assert api.patch("/apps/hello/formation/web", {"quantity": "-1"})["quantity"] == 0
    assert api.patch("/apps/hello/formation", {"updates": []}) == []


def test_all_or_none(api, deployed):
    """A batch with one bad update changes nothing."""
    updates = [{"type": "web", "quantity": 5}, {"type": "nothing", "quantity": 1}]
    refused = api.patch("/apps/hello/formation", {"updates": updates}, 404)
    assert refused["message"] == "Couldn't find that process type (nothing)."
    assert api.get("/apps/hello/formation/web")["quantity"] == 1
    api.get("/apps/hello/formation/nothing", 404)


@pytest.mark.parametrize(
    "update",
    [
        {"quantity": -1},
        {"quantity": 101},
        {"quantity": "many"},
        {"quantity": [1]},
        {"quantity": "9" * 5000},
        {"size": "Huge"},
        {"size": 7},
        {"dyno_size": {"name": "x"}},
    ],
)
def test_quantities_and_sizes_that_may_not_be(api, deployed, update):
    """A quantity below zero, over the limit or no number, and an unknown size, are refused."""
    assert api.patch("/apps/hello/formation/web", update, 422)["id"] == "invalid_params"
    batch = {"updates": [{"type": "web", **update}]}
    assert api.patch("/apps/hello/formation", batch, 422)["message"]


def test_updates_must_be_objects(api, deployed):
    """Updates that are no list of objects are refused in words."""
    for updates in ("web=2", ["web=2"], [7], {"web": 2}):
        assert api.patch("/apps/hello/formation", {"updates": updates}, 422)["message"]


def test_dynos(api, deployer, deployed):
    """Dynos are listed by name with release and state; those that end are not."""
    deployer.dyno(ordinal=2, state="starting")
    deployer.dyno(ordinal=1)
    deployer.dyno(ordinal=3, state="ended")
    deployer.dyno(type="release", kind="release")
    rows = api.get("/apps/hello/dynos")
    assert [(row["name"], row["state"]) for row in rows] == [("web.1", "up"), ("web.2", "starting")]
    assert rows[0]["release"]["version"] == deployed["version"]
    assert api.get("/apps/hello/dynos/web.1") == rows[0]
    assert api.get(f"/apps/hello/dynos/{rows[0]['id']}") == rows[0]
    for unknown in ("web.9", str(uuid.uuid4()), "x"):
        api.get(f"/apps/hello/dynos/{unknown}", 404)


def test_an_attached_one_off_dyno(api, deployed):
    """An attached one-off dyno answers with an address that has host, port and a secret."""
    body = {"command": "bash", "attach": True, "env": {"COLUMNS": "80", "LINES": "24"}}
    dyno = api.post("/apps/hello/dynos", body, headers={"Host": "127.0.0.1:8443"})
    assert dyno["attach_url"].startswith("rendezvous://127.0.0.1:8444/")
    assert (dyno["type"], dyno["state"], dyno["command"]) == ("run", "starting", "bash")
    assert "attach_url" in api.get(f"/apps/hello/dynos/{dyno['name']}")
    assert api.get(f"/apps/hello/dynos/{dyno['name']}")["attach_url"] is None
    outcome = api.get(f"/kedge/dynos/{dyno['id']}")
    assert outcome == {
        "id": dyno["id"],
        "name": dyno["name"],
        "state": "starting",
        "exit_status": None,
        "started_at": None,
        "ended_at": None,
    }


def test_a_detached_one_off_dyno(api, deployed):
    """A detached one has no address; a process type's name runs that type's command."""
    dyno = api.post("/apps/hello/dynos", {"command": "worker", "size": "standard-2x"})
    assert dyno["attach_url"] is None
    assert (dyno["command"], dyno["size"]) == ("python worker.py", "Standard-2X")


def test_a_one_off_dyno_that_is_asked_for_twice(api, deployed):
    """With one Idempotency-Key it is one dyno, whose id the key is; for another it is refused."""
    key = str(uuid.uuid4())
    asked = {"headers": {"Idempotency-Key": key}}
    wanted = {"command": "rake cleanup", "type": "scheduler"}
    first = api.post("/apps/hello/dynos", wanted, 201, **asked)
    assert first["id"] == key
    assert api.post("/apps/hello/dynos", wanted, 201, **asked)["name"] == first["name"]
    assert api.get(f"/kedge/dynos/{key}")["name"] == first["name"]
    api.post("/apps/hello/dynos", wanted | {"type": "run"}, 409, **asked)
    api.post("/apps/hello/dynos", wanted, 422, headers={"Idempotency-Key": "today"})


def test_what_the_official_client_sends(api, deployed):
    """Members that are null or empty are as good as left out."""
    body = {"command": "true", "attach": None, "env": {}, "size": None, "type": None}
    assert api.post("/apps/hello/dynos", {**body, "force_no_tty": None, "time_to_live": "60"})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"command": ""},
        {"command": " "},
        {"command": 7},
        {"command": "x" * 40000},
        {"command": "ls", "env": ["A"]},
        {"command": "ls", "env": {"1": "x"}},
        {"command": "ls", "type": "a b"},
        {"command": "ls", "size": "Huge"},
        {"command": "ls", "time_to_live": 0},
        {"command": "ls", "attach": "perhaps"},
    ],
)
def test_one_off_dynos_that_may_not_be(api, deployed, body):
    """A one-off dyno without a command, or with what no dyno can have, is refused in words."""
    assert api.post("/apps/hello/dynos", body, 422)["id"] == "invalid_params"


def test_nothing_to_run_yet(api, hello):
    """An app without code says that it must be deployed first."""
    assert "Deploy it first" in api.post("/apps/hello/dynos", {"command": "ls"}, 409)["message"]


def test_restart(api, deployer, services, deployed):
    """Dynos are restarted one, by type or all: 202, and the supervisor is told what to do."""
    dyno_id = deployer.dyno()
    assert api.delete("/apps/hello/dynos/web.1", 202) == {}
    assert _column(services, dyno_id, "restart_requested_at")
    assert api.delete("/apps/hello/dynos", 202) == {}
    assert api.delete("/apps/hello/formations/web", 202) == {}
    assert api.delete("/apps/hello/dynos/web", 202) == {}
    assert any(topic == f"apps:{api.get('/apps/hello')['id']}" for topic in services.wakes.woken)
    api.delete("/apps/hello/dynos/web.7", 404)
    api.delete("/apps/hello/formations/nothing", 404)


def test_stop(api, deployer, services, deployed):
    """A stopped one-off dyno ends; a dyno of the formation is replaced."""
    run_id = deployer.dyno(kind="run", type="run", ordinal=4711)
    other_id = deployer.dyno(kind="run", type="console", ordinal=1)
    web_id = deployer.dyno()
    assert api.post("/apps/hello/dynos/run.4711/actions/stop", {}, 202) == {}
    assert api.post("/apps/hello/dynos/web.1/actions/stop", None, 202) == {}
    assert api.post("/apps/hello/formations/console/actions/stop", {}, 202) == {}
    assert api.post("/apps/hello/formations/web/actions/stop", {}, 202) == {}
    assert _column(services, run_id, "stop_requested_at")
    assert _column(services, other_id, "stop_requested_at")
    assert _column(services, web_id, "restart_requested_at")
    api.post("/apps/hello/dynos/run.1/actions/stop", {}, 404)


def test_how_a_dyno_ended(api, deployer, deployed):
    """The outcome of a dyno can be asked for after it is gone from the list."""
    dyno_id = deployer.dyno(kind="run", type="run", ordinal=1, state="ended", exit_status=3)
    assert api.get(f"/kedge/dynos/{dyno_id}")["exit_status"] == 3
    for unknown in (str(uuid.uuid4()), "run.1"):
        api.get(f"/kedge/dynos/{unknown}", 404)


def _column(services, dyno_id, name):
    from kedge.model.dyno import Dyno

    with services.database.transaction() as tx:
        return getattr(tx.get_one(Dyno, uuid.UUID(dyno_id)), name)


def test_what_somebody_else_has_scaled_is_left_alone(services, owner, api, hello, deployer):
    """A change that names what it was made from is refused when that is no longer so."""
    deployer.deploy()
    change = {"type": "web", "quantity": 3, "was": "1 x Standard-1X"}
    formations.update(services, owner.actor, "hello", [change])
    with pytest.raises(Conflict, match="scaled web to 3 x Standard-1X"):
        formations.update(services, owner.actor, "hello", [change | {"quantity": 1}])
    assert api.get("/apps/hello/formation/web")["quantity"] == 3
