"""The built-in data services as the platform sees them: what they answer below /kedge/resources."""

from __future__ import annotations

import re
import uuid
from typing import Any

from api.provider import Provider

AT = "2026-11-21T08:00:00Z"
POSTGRES_URL = "postgres://u1:s3cret%2Fpw@{name}:5432/d1"
REDIS_URL = "rediss://:s3cret@{name}:6379"


class DataProvider(Provider):
    """`heroku-postgresql` and `heroku-redis` on one address; `fails` is a status for every call."""

    def __init__(self) -> None:
        super().__init__()
        self.transfers: list[dict[str, Any]] = []
        self.schedules: list[dict[str, Any]] = []
        self.config = {"maxmemory_policy": "noeviction", "timeout": 300,
                       "notify_keyspace_events": ""}  # fmt: skip
        self.fails: tuple[int, dict[str, Any]] | None = None
        self.answer = self.give

    def manifests(self) -> list[dict[str, Any]]:
        return [self._of("heroku-postgresql", "DATABASE_URL", "HEROKU_POSTGRESQL"),
                self._of("heroku-redis", "REDIS_URL", "REDIS")]  # fmt: skip

    def _of(self, service: str, var: str, prefix: str) -> dict[str, Any]:
        made = self.manifest(service)
        made["api"]["config_vars"] = [f"{prefix}_URL"] if var == "DATABASE_URL" else [var]
        made["api"]["config_vars_prefix"] = prefix
        made["api"]["production"] = {
            "base_url": f"{self.url}/{service}/heroku/resources",
            "sso_url": f"{self.url}/{service}/sso/login",
        }
        plans = [{"name": "essential-0", "default": True, "human_name": "Essential 0"}]
        return made | {"plans": plans, "primary": var.removesuffix("_URL")}

    def seam(self) -> list[tuple[str, str, Any]]:
        """What was asked below /kedge, without the address of the resource."""
        return [(m, re.sub(r"^/[^/]+/kedge/resources/[^/]+", "", p), b) for m, p, b in self.asked
                 if "/kedge/resources/" in p]  # fmt: skip

    def give(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        service, _, rest = path.lstrip("/").partition("/")
        if rest.startswith("heroku/resources"):
            return self._provision(method, service, body)
        if self.fails:
            return self.fails
        place = re.sub(r"^kedge/resources/[^/]+", "", rest)
        if service == "heroku-redis":
            return self._redis(method, place, body)
        return self._postgres(method, place, body)

    def _provision(self, method: str, service: str, body: Any) -> tuple[int, Any]:
        if method != "POST":
            return 204, b""
        is_redis = service == "heroku-redis"
        url = (REDIS_URL if is_redis else POSTGRES_URL).format(name=body["name"])
        var = "REDIS_URL" if is_redis else "HEROKU_POSTGRESQL_URL"
        return 201, {"id": body["uuid"], "config": {var: url}}

    def _postgres(self, method: str, place: str, body: Any) -> tuple[int, Any]:
        if place == "":
            return 200, {
                "state": "running", "version": "17.5", "plan": "essential-0",
                "health": {"ok": True, "problems": [], "started_at": AT, "cache_hit_percent": 99.1},
                "usage": {"size_bytes": 8_493_465, "size_limit_bytes": 1 << 30, "connections": 3,
                          "connection_limit": 20, "memory_bytes": 30_000_000},
                "limits": {"connections": 20, "memory_mb": 256, "disk_mb": 1024},
            }  # fmt: skip
        fixed = {
            ("POST", "/credentials/rotate"): {"message": "It has new credentials."},
            ("POST", "/reset"): {},
            ("POST", "/connections/end"): {"ended": 3},
            ("GET", "/connections"): {"connections": [
                {"pid": 41, "state": "active", "application_name": "web.1", "user": "u1",
                 "query_seconds": 12.5, "query": "select pg_sleep(60)", "waits_for": None,
                 "since": AT, "address": "10.0.0.2"}]},
            ("GET", "/slow-queries"): {"queries": [
                {"query": "select * from orders", "calls": 12, "total_ms": 3400.5,
                 "mean_ms": 283.4, "max_ms": 900.0, "rows": 5, "percent": 71.2}]},
            ("DELETE", "/slow-queries"): {},
        }  # fmt: skip
        if (method, place) in fixed:
            return 200, fixed[method, place]
        return self._backups(method, place, body)

    def _backups(self, method: str, place: str, body: Any) -> tuple[int, Any]:
        kinds = {"/backups": "backup", "/restores": "restore", "/copies": "copy"}
        if method == "POST" and place in kinds:
            return 202, self.transfer(kinds[place])
        if place == "/backups":
            return 200, self.transfers
        if place == "/schedules" and method == "POST":
            made = {"id": str(uuid.uuid4()), **body, "next_at": AT, "last_at": None}
            self.schedules.append(made)
            return 201, made
        if place == "/schedules":
            return 200, self.schedules
        if place.startswith("/schedules/"):
            self.schedules = [e for e in self.schedules if e["id"] != place.rpartition("/")[2]]
            return 204, b""
        known = re.fullmatch(r"/backups/([0-9a-f-]+)(/cancel|/link)?", place)
        found = next((e for e in self.transfers if known and e["id"] == known[1]), None)
        if found is None or known is None:
            return 404, {"message": "There is none such."}
        if known[2] == "/link":
            return 201, {"path": "/provider/heroku-postgresql/downloads/x.y", "expires_at": AT}
        if known[2] == "/cancel":
            found["state"] = "canceled"
        if method == "DELETE":
            self.transfers.remove(found)
        return 200, found | {"log": [{"at": AT, "message": "Dumped 4 tables."}]}

    def transfer(self, kind: str = "backup", state: str = "queued", **more: Any) -> dict[str, Any]:
        made = {
            "id": str(uuid.uuid4()), "num": len(self.transfers) + 1, "kind": kind, "state": state,
            "reason": None, "is_scheduled": False, "from_name": "postgresql-x",
            "to_name": "postgresql-x", "created_at": f"2026-11-21T08:00:{len(self.transfers):02}Z",
            "started_at": None, "finished_at": None, "size_bytes": None, "processed_bytes": 0,
            "source_bytes": None, "store": "disk", "tables": None, "rows": None,
            "dump_seconds": None, "restore_seconds": None, "expires_at": None, **more,
        }  # fmt: skip
        self.transfers.insert(0, made)
        return made

    def _redis(self, method: str, place: str, body: Any) -> tuple[int, Any]:
        if place == "":
            return 200, {
                "state": "running", "health": {"ok": True, "problems": []}, "version": "8.0.2",
                "usage": {"memory_bytes": 1_048_576, "memory_limit_bytes": 26_214_400,
                          "connections": 2, "connection_limit": 20, "keys": 7, "hit_rate": 0.5},
                "limits": {"connections": 20}, "config": self.config, "started_at": AT,
            }  # fmt: skip
        if place == "/config":
            if method == "PATCH":
                if body.get("maxmemory_policy", "noeviction") not in ("noeviction", "allkeys-lru"):
                    return 422, {"message": "There is no such policy."}
                self.config |= body
            return 200, self.config
        if place in ("/credentials/rotate", "/stats/reset"):
            return 200, {}
        return 404, {"message": "There is none such."}
