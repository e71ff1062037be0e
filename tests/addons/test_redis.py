"""heroku-redis on a real engine: who gets in, what its plans hold, what becomes of the data."""

import json
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from addons.side import wait_until
from kedge_addons.redis.offer import OFFER

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def shared(providers):
    """One server that keeps what is in memory alone, for the tests that leave it as it was."""
    with providers.made("heroku-redis", "mini") as made:
        yield made


@pytest.fixture(scope="module")
def durable(providers):
    """One server whose plan keeps all on disk."""
    with providers.made("heroku-redis", "premium-0") as made:
        yield made


@contextmanager
def client(made, url=None, **more):
    """A client as an app has one, by the URL; dynos resolve the name themselves."""
    parts = urlsplit(url or made.config["REDIS_URL"])
    assert parts.hostname == made.name
    tls = {"ssl": True, "ssl_cert_reqs": "none"} if parts.scheme == "rediss" else {}
    given = {"username": parts.username, "password": parts.password, "port": parts.port}
    once = {"retry": Retry(NoBackoff(), 0), "socket_timeout": 10}
    with redis.Redis(host=address(made), **(given | tls | once | more)) as connected:
        yield connected


def address(made):
    network = made.side.tools.instances.network
    made.container.reload()
    return made.container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"]


def signs_in(made, url):
    try:
        with client(made, url) as connected:
            return connected.ping()
    except (redis.AuthenticationError, redis.ConnectionError):
        return False


# --- who gets in --------------------------------------------------------------------------------


def test_both_urls_lead_to_the_server(shared):
    """With TLS and without it, the same data."""
    with client(shared) as plain, client(shared, shared.config["REDIS_TLS_URL"]) as encrypted:
        plain.set("greeting", "hello")
        assert encrypted.get("greeting") == b"hello"
        plain.delete("greeting")


def test_nobody_gets_in_without_the_password(shared):
    """There is no default user, and the provider's own is not to be guessed."""
    for wrong in (
        {"username": None, "password": None},
        {"password": "guessed"},
        {"username": "kedge"},
    ):
        with client(shared, **wrong) as connected, pytest.raises(redis.RedisError):
            connected.ping()


def test_an_app_has_the_data_and_not_the_server(shared):
    """What would end, reconfigure or copy the server is refused; what tools of apps ask is not."""
    with client(shared) as connected:
        for command in ("SHUTDOWN", "CONFIG SET dir /tmp", "ACL LIST",
                        "REPLICAOF 127.0.0.1 1", "MODULE LIST", "SAVE"):  # fmt: skip
            with pytest.raises(redis.exceptions.NoPermissionError):
                connected.execute_command(*command.split())
        assert connected.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert len(connected.client_list()) >= 1
        connected.eval("return redis.call('set', KEYS[1], 1)", 1, "scripted")
        connected.flushdb()


def test_no_secret_is_where_others_can_read_it(shared):
    """The engine's record of the container, its log and its processes hold no password."""
    for secret in (shared.resource.secrets["password"], shared.resource.secrets["admin"]):
        assert secret not in json.dumps(shared.container.attrs)
        assert secret not in json.dumps(shared.container.top())
        assert secret not in shared.container.logs().decode()


# --- what a plan holds --------------------------------------------------------------------------


def test_a_plan_has_so_many_connections_and_no_more(shared):
    """The next one is refused in words, and the provider still sees and says what is wrong."""
    limit = OFFER.plan("mini").limits["connections"]
    with client(shared, single_connection_client=True):
        held = [client(shared, single_connection_client=True) for _ in range(limit - 1)]
        for each in held:
            each.__enter__().ping()
        seen = shared.ask("GET")
        assert seen["usage"]["connections"] == seen["usage"]["connection_limit"] == limit
        assert seen["health"]["problems"] == ["All connections of the plan are in use."]
        for each in held:
            each.__exit__(None, None, None)


def test_full_memory_refuses_or_evicts_as_it_was_told(shared):
    """At first nothing is lost and writes are refused; with another policy old keys make room."""
    blob = b"x" * (1 << 20)
    with client(shared) as connected:
        with pytest.raises(redis.OutOfMemoryError):
            write(connected, blob)
        assert "nothing is evicted" in shared.ask("GET")["health"]["problems"][0]
        shared.ask("PATCH", "/config", json={"maxmemory_policy": "allkeys-lru"})
        write(connected, blob)
        assert shared.ask("GET")["health"]["evicted_keys"] > 0
        connected.flushall()
    refused = shared.side.ask("heroku-redis", "PATCH", f"{shared.id}/config", json={"timeout": "x"})
    assert refused.status_code == 422
    assert "number of seconds" in refused.json()["message"]


def write(connected, blob):
    for number in range(40):
        connected.set(f"blob-{number}", blob)


def test_settings_outlive_the_server(shared):
    """What was changed is so again after a restart."""
    shared.ask("PATCH", "/config", json={"timeout": 900, "maxmemory_policy": "volatile-ttl"})
    started_at = shared.ask("GET")["health"]["started_at"]
    shared.ask("POST", "/restart")
    wait_until(lambda: shared.ask("GET")["health"].get("started_at") not in {None, started_at})
    wait_until(lambda: shared.ask("GET")["state"] == "running")
    with client(shared) as connected:
        assert connected.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-ttl"}
    told = {"maxmemory_policy": "volatile-ttl", "timeout": 900, "notify_keyspace_events": ""}
    assert shared.ask("GET", "/config") == told


def test_plans_change_where_the_data_fit(shared, monkeypatch):
    """Up and down with the data as they were; too small a plan is refused in words."""
    with client(shared) as connected:
        connected.set("blob", b"x" * (3 << 20))
    monkeypatch.setitem(OFFER.plan("mini").limits, "memory_mb", 2)
    assert shared.partner("PUT", json={"plan": "premium-0"}).status_code == 200
    refused = shared.partner("PUT", json={"plan": "mini"})
    assert refused.status_code == 422
    assert "Mini holds 2 MB, and there are 3 MB" in refused.json()["message"]
    monkeypatch.undo()
    for plan in ("premium-1", "mini"):
        assert shared.partner("PUT", json={"plan": plan}).status_code == 200
        with client(shared) as connected:
            assert connected.strlen("blob") == 3 << 20
    assert shared.ask("GET")["limits"]["memory_mb"] == OFFER.plan("mini").limits["memory_mb"]


# --- credentials --------------------------------------------------------------------------------


def test_credentials_change_without_a_failed_request(shared):
    """Old ones go on until apps have the new ones, then end with their connections."""
    before = shared.config["REDIS_URL"]
    with client(shared, before, single_connection_client=True) as old:
        shared.ask("POST", "/credentials/rotate")
        after = shared.told()["REDIS_URL"]
        assert after != before
        assert old.ping()
        assert signs_in(shared, before)
        assert signs_in(shared, after)
        shared.end_grace()
        wait_until(lambda: not signs_in(shared, before))
        with pytest.raises(redis.RedisError):
            old.ping()
    leaked = shared.config["REDIS_URL"]
    shared.ask("POST", "/credentials/rotate", json={"force": True})
    wait_until(lambda: not signs_in(shared, leaked))
    assert signs_in(shared, shared.config["REDIS_URL"])


def test_the_platform_is_told_also_by_an_old_token(shared):
    """A token that it does not take any more is refreshed, and what was to be told is told."""
    shared.platform.forget_tokens()
    shared.ask("POST", "/credentials/rotate")
    assert shared.told()


# --- what becomes of the data -------------------------------------------------------------------


def test_what_a_plan_keeps_on_disk_outlives_the_server(durable):
    """Killed and brought back, it has what was written; so has one that was made anew."""
    with client(durable) as connected:
        connected.set("kept", "yes")
    wait_until(lambda: aof_is_written(durable))
    for end in (lambda each: each.kill(), lambda each: each.remove(force=True)):
        end(durable.container)
        seen = durable.ask("GET")
        assert seen["state"] in {"stopped", "missing", "starting"}
        assert seen["health"]["problems"]
        wait_until(lambda: durable.ask("GET")["state"] == "running")
        with client(durable) as connected:
            assert connected.get("kept") == b"yes"


def aof_is_written(made):
    told = made.side.tools.instances.run(made.id, ["grep", "-rl", "kept", "/data/store"])
    return "aof" in told


@pytest.mark.parametrize("which", ["shared", "durable"])
def test_what_was_destroyed_can_be_brought_back(which, request):
    """Also what was in memory alone: it is written down before the server goes, and only then."""
    made = request.getfixturevalue(which)
    url = made.config["REDIS_URL"]
    with client(made) as connected:
        connected.set("rested", "yes")
    assert made.partner("DELETE").status_code == 200
    wait_until(lambda: made.ask("GET")["state"] == "resting")
    assert made.partner("POST", "/actions/restore").status_code == 201
    with client(made, url) as connected:
        assert connected.get("rested") == b"yes"
    stored = made.side.tools.instances.run(made.id, ["ls", "/data/store"])
    assert "dump.rdb" not in stored


def test_options_that_cannot_be_are_refused_at_once(providers):
    """Nothing is made, and whoever asked is told why."""
    for options, words in (({"maxmemory_policy": "some"}, "one of"), ({"size": 1}, "no option")):
        asked = {"uuid": "7b5e5f6e-51d8-4a7f-8d09-3e1c4a5b6c7e", "plan": "mini", "options": options}
        refused = providers.subject("heroku-redis").ask("POST", json=asked)
        assert refused.status_code == 422
        assert words in refused.json()["message"]
