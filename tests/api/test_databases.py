"""Databases by Heroku's data API: what is asked of the provider, shown, and written down."""

import pytest

from api.data_provider import DataProvider
from kedge.ops import addon_services


@pytest.fixture
def provider(services):
    """The built-in data services, registered."""
    made = DataProvider()
    for manifest in made.manifests():
        addon_services.register(services, None, manifest, is_builtin=True)
    yield made
    made.close()


@pytest.fixture
def database(api, provider, hello):
    """A Postgres database of `hello`."""
    return api.post("/apps/hello/addons", {"plan": "heroku-postgresql"})


@pytest.fixture
def redis(api, provider, hello):
    """A Redis instance of `hello`."""
    return api.post("/apps/hello/addons", {"plan": "heroku-redis"})


def events(services):
    from sqlalchemy import select

    from kedge.model.event import Event

    with services.database.transaction() as tx:
        return list(tx.scalars(select(Event.action).order_by(Event.id)))


def v11(database, *more):
    return "/".join(["/client/v11/databases", database["id"], *more])


class TestPostgres:
    def test_it_is_shown_in_herokus_shape(self, api, database):
        """`info` has names and values, `resource_url` the URL, `kedge` the numbers."""
        shown = api.get(v11(database))
        info = {each["name"]: each["values"] for each in shown["info"]}

        assert info["Status"] == ["Available"]
        assert info["Connections"] == ["3/20"]
        assert info["Data Size"] == ["8.1 MB / 1.0 GB"]
        assert shown["resource_url"] == api.get("/apps/hello/config-vars")["DATABASE_URL"]
        assert shown["kedge"]["usage"]["connections"] == 3

    def test_a_provider_that_is_down(self, api, database, provider):
        """The error is in words, with status 503, and the add-on itself is still listed."""
        provider.fails = (500, {})
        assert "Try again later" in api.get(v11(database), 503)["message"]
        assert api.get("/apps/hello/addons")[0]["state"] == "provisioned"

    def test_a_provider_that_lies(self, api, database, provider):
        """An answer of another kind is the provider's mistake, never an error inside."""
        provider.fails = (200, [])
        api.get(v11(database), 503)
        provider.fails = (200, {})
        assert api.get(v11(database))["kedge"]["state"] is None
        api.get("/client/v11/apps/hello/transfers", 503)

    def test_wait_status_has_herokus_keys(self, api, database):
        """The keys are literally `waiting?` and `error?`."""
        told = api.get(v11(database, "wait_status"))
        assert told == {"waiting?": False, "error?": False, "message": "available"}

    def test_only_databases_are_databases(self, api, database, redis):
        """A Redis instance is no Postgres database, nor the other way round."""
        api.get(v11(redis), 404)
        api.get(f"/redis/v0/databases/{database['id']}", 404)

    def test_credentials_have_the_password_of_the_config(self, api, database, provider):
        """It comes from the config vars; the provider is never asked for one."""
        (one,) = api.get(f"/postgres/v0/databases/{database['name']}/credentials")
        assert one["credentials"][0]["password"] == "s3cret/pw"
        assert (one["credentials"][0]["user"], one["database"]) == ("u1", "d1")

    @pytest.mark.parametrize(
        ("method", "path", "body", "asked", "event"),
        [
            ("PUT", "/client/v11/databases/{}/reset", {"extensions": None},
             ("POST", "/reset", {}), "database.reset"),
            ("POST", "/client/v11/databases/{}/connection_reset", {},
             ("POST", "/connections/end", {"force": True}), "database.end_connections"),
            ("POST", "/postgres/v0/databases/{}/credentials/default/credentials_rotation", {},
             ("POST", "/credentials/rotate", {"force": False}), "database.rotate"),
            ("POST", "/kedge/databases/{}/processes/41/stop", {"force": True},
             ("POST", "/connections/end", {"pid": 41, "force": True}), "database.stop_process"),
            ("PUT", "/client/v11/databases/{}/stats_reset", {},
             ("DELETE", "/slow-queries", None), "database.forget_statistics"),
        ],
    )  # fmt: skip
    def test_what_is_done_is_asked_and_noted(
        self, api, services, database, provider, method, path, body, asked, event
    ):
        """The provider does it, and the audit log says who had it done."""
        api.call(method, path.format(database["id"]), 200, body)

        assert provider.seam()[-1] == asked
        assert events(services)[-1] == event

    def test_what_is_refused_is_not_noted(self, api, services, database, provider):
        """The provider's words are the answer; nothing was done, and nothing is written down."""
        provider.fails = (409, {"message": "It is being restored."})
        told = api.put(v11(database, "reset"), {}, 422)

        assert "It is being restored." in told["message"]
        assert "database.reset" not in events(services)

    def test_slow_queries_and_processes(self, api, database):
        """Both are the provider's lists."""
        path = f"/kedge/databases/{database['id']}"
        assert api.get(f"{path}/processes")[0]["pid"] == 41
        assert api.get(f"{path}/slow-queries")["queries"][0]["calls"] == 12
        api.post(f"{path}/processes/x/stop", {}, 422)


def test_a_fork_is_named_by_a_config_var(api, database, provider):
    """As people write it to Heroku's command line: the provider is told the database's URL."""
    url = api.get("/apps/hello/config-vars")["DATABASE_URL"]
    for name in ("DATABASE_URL", "DATABASE"):
        api.post("/apps/hello/addons", {"plan": "heroku-postgresql", "config": {"fork": name}})
        made = [b for m, path, b in provider.asked if (m, path.count("/")) == ("POST", 3)]
        assert made[-1]["options"] == {"fork": url}


class TestBackups:
    def test_capture(self, api, services, database, provider):
        """A backup is queued under the app's group, and is a transfer of Heroku's from then on."""
        made = api.post(v11(database, "backups"), {})
        shown = api.get("/client/v11/apps/hello/transfers/1?verbose=true")

        assert ("POST", "/backups", {"group": database["app"]["id"]}) in provider.seam()
        assert (made["from_type"], made["to_type"], made["num"]) == ("pg_dump", "gof3r", 1)
        assert not made["succeeded"]
        assert shown["logs"] == [
            {"created_at": "2026-11-21T08:00:00Z", "message": "Dumped 4 tables."}
        ]
        assert events(services)[-1] == "backup.capture"

    def test_only_a_verified_one_succeeded(self, api, database, provider):
        """One that is still being verified has not finished for any client."""
        provider.transfer(state="verifying", finished_at="2026-11-21T08:00:00Z")
        provider.transfer(state="verified", finished_at="2026-11-21T08:00:00Z")
        newest, older = api.get("/client/v11/apps/hello/transfers")

        assert (newest["succeeded"], bool(newest["finished_at"])) == (True, True)
        assert (older["succeeded"], older["finished_at"]) == (False, None)

    def test_what_a_copy_carried_is_its_size(self, api, database, provider):
        """Nothing of it is kept, so what was restored is shown where a backup's size is."""
        provider.transfer("copy", "succeeded", restored_bytes=3_906_507)
        (shown,) = api.get("/client/v11/apps/hello/transfers")
        assert shown["processed_bytes"] == 3_906_507

    def test_restore_by_the_address_of_a_backup(self, api, database, provider):
        """`to_url` of a transfer names it; what did not succeed, or is elsewhere, is refused."""
        good, bad = provider.transfer(state="verified"), provider.transfer(state="failed")
        listed = {e["uuid"]: e["to_url"] for e in api.get("/client/v11/apps/hello/transfers")}
        path = v11(database, "restores")

        api.post(path, {"backup_url": listed[good["id"]]})
        assert provider.seam()[-1][1:] == (
            "/restores", {"group": database["app"]["id"], "backup": good["id"]},
        )  # fmt: skip
        api.post(path, {"backup_url": listed[bad["id"]]}, 422)
        api.post(path, {"backup_url": "https://example.com/x.dump"}, 422)
        api.post(path, {"backup_url": "kedge:nonsense/x"}, 422)

    def test_copy_by_url_or_name(self, api, database, provider):
        """Heroku's command line names the source by its URL, which must be one the person reads."""
        other = api.post("/apps/hello/addons", {"plan": "heroku-postgresql"})
        config = api.get("/apps/hello/config-vars")
        source = next(v for k, v in config.items() if k.startswith("HEROKU_POSTGRESQL_"))
        path = v11(database, "transfers")

        api.post(path, {"from_url": source, "to_url": config["DATABASE_URL"]})
        assert provider.seam()[-1][2]["from"] == other["provider_id"]
        api.post(path, {"from": other["name"]})
        api.post(path, {"from": database["name"]}, 422)
        api.post(path, {"from_url": "postgres://u:p@elsewhere/d"}, 422)

    def test_cancel_delete_and_download(self, api, services, database, provider):
        """Each by number or id; the download's address is the provider's behind this platform."""
        provider.transfer(state="running")
        path = "/client/v11/apps/hello/transfers/1"
        api.post(f"{path}/actions/cancel", {}, 200)
        url = api.post(f"{path}/actions/public-url")["url"]
        api.delete(path)

        assert url.endswith("/provider/heroku-postgresql/downloads/x.y")
        assert events(services)[-3:] == ["backup.cancel", "backup.download", "backup.delete"]
        api.get(path, 404)

    def test_schedules(self, api, database, provider):
        """Daily at an hour of a time zone; taken back by its id."""
        path = v11(database, "transfer-schedules")
        asked = {"hour": "2", "timezone": "Europe/Paris", "schedule_name": "DATABASE_URL"}
        made = api.post(path, asked)

        assert (made["hour"], made["name"]) == (2, "DATABASE_URL")
        assert api.get(path) == [made]
        api.delete(f"{path}/{made['uuid']}")
        assert api.get(path) == []
        api.post(path, {"hour": 24}, 422)

    def test_an_alert_of_the_provider(self, api, services, database, provider):
        """It is an event of the app and a line in its log."""
        from kedge.engine.protocols import LogFilter
        from kedge.model.addon import Addon
        from kedge.ops import backups

        with services.database.transaction() as tx:
            addon = tx.get_one(Addon, database["id"])
        backups.alert(services, addon, "Backup b001 failed: the disk is full.", "backup")

        assert events(services)[-1] == "addon.alert"
        lines, _ = services.logs.tail(addon.app_id, 5, LogFilter(None, None))
        assert lines[-1].text.endswith("Backup b001 failed: the disk is full.")


class TestRedis:
    def test_it_is_shown_in_herokus_shape(self, api, redis):
        """`info` has names and values, the port is the URL's."""
        shown = api.get(f"/redis/v0/databases/{redis['name']}")
        info = {each["name"]: each["values"][0] for each in shown["info"]}
        assert (shown["port"], info["Memory"], info["Keys"]) == (6379, "1.0 MB / 25.0 MB", "7")

    def test_settings(self, api, redis):
        """A policy is changed; one that is none is refused in the provider's words."""
        path = f"/redis/v0/databases/{redis['name']}/config"
        changed = api.patch(path, {"maxmemory_policy": "allkeys-lru"})
        assert changed["maxmemory_policy"]["value"] == "allkeys-lru"
        assert "no such policy" in api.patch(path, {"maxmemory_policy": "x"}, 422)["message"]
        api.patch(path, {}, 422)

    def test_rotation(self, api, services, redis, provider):
        """It is asked for and written down."""
        api.post(f"/redis/v0/databases/{redis['name']}/credentials_rotation", {}, 200)
        assert events(services)[-1] == "database.rotate"


class TestConsoles:
    def open(self, api, addon, status=201, **body):
        return api.post(f"/kedge/databases/{addon['id']}/consoles", body, status)

    def environment(self, services, dyno):
        import json

        from kedge.model.dyno import Dyno
        from kedge.ops.dynos import env_context

        with services.database.transaction() as tx:
            row = tx.get_one(Dyno, dyno["id"])
            return json.loads(services.vault.open(row.sealed_env, env_context(row.id)))

    def test_psql_reads_its_password_from_the_environment(self, api, services, database):
        """The command line holds no secret, and an app without code has a console too."""
        made = self.open(api, database, columns=100, lines=40)

        assert made["command"].startswith("psql ")
        assert "s3cret" not in made["command"]
        assert made["name"].startswith("psql.")
        assert made["attach_url"].startswith("rendezvous://")
        env = self.environment(services, made)
        assert (env["PGPASSWORD"], env["PGUSER"], env["PGSSLMODE"]) == (
            "s3cret/pw",
            "u1",
            "require",
        )
        assert (env["COLUMNS"], env["LINES"]) == ("100", "40")

    def test_piped_commands(self, api, database):
        """Without a terminal psql has no prompts, and stops at the first error when told to."""
        made = self.open(api, database, force_no_tty=True, stops_at_errors=True)
        assert made["command"] == "psql --no-psqlrc --set=ON_ERROR_STOP=1"

    def test_redis_cli(self, api, services, redis):
        """Its password is in the environment too."""
        made = self.open(api, redis)
        assert made["command"] == f"redis-cli -h {redis['name']} -p 6379 --tls --insecure"
        assert self.environment(services, made)["REDISCLI_AUTH"] == "s3cret"


class TestWhoMay:
    @pytest.fixture
    def person(self, services, owner, application):
        """The API as somebody else has it, who is invited and no more."""
        from api.conftest import Api
        from kedge.ops import accounts, users
        from kedge.ops.sessions import Client, resume

        _, token = users.invite(services, owner.actor, "ada@example.com")
        client = Client("::1", "")
        session = users.accept(services, token, "ada", "four words are enough", client)
        actor = resume(services, session).actor
        return Api(application, accounts.create_authorization(services, actor, "test", None)[1])

    def test_a_database_of_nobody_else(self, api, database, provider, person):
        """Who does not see the app does not learn that there is a database."""
        person.get(v11(database), 404)
        person.post(v11(database, "backups"), {}, 404)
        person.get("/client/v11/apps/hello/transfers", 404)
        person.post(f"/kedge/databases/{database['id']}/consoles", {}, 404)
        assert provider.seam() == []

    def test_who_may_only_see(self, api, database, provider, person):
        """They see the state and the backups; no URL, no query texts, and change nothing."""
        body = {"user": "ada@example.com", "permissions": ["view"]}
        api.post("/apps/hello/collaborators", body)
        assert person.get(v11(database))["resource_url"] == ""
        assert person.get("/client/v11/apps/hello/transfers") == []
        asked = len(provider.seam())
        for method, path in (
            ("PUT", v11(database, "reset")),
            ("POST", v11(database, "backups")),
            ("POST", v11(database, "connection_reset")),
            ("POST", v11(database, "transfer-schedules")),
            ("POST", f"/kedge/databases/{database['id']}/consoles"),
            ("POST", f"/postgres/v0/databases/{database['id']}/credentials_rotation"),
        ):
            person.call(method, path, 403, {"hour": 1})
        person.get(f"/kedge/databases/{database['id']}/processes", 403)
        person.get(f"/kedge/databases/{database['id']}/slow-queries", 403)
        assert len(provider.seam()) == asked
