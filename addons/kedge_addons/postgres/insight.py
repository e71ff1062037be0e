"""What a server tells of itself: health, usage, connections, statements that took long."""

from __future__ import annotations

from typing import Any

from kedge_addons.offer import Plan
from kedge_addons.postgres.sql import Sql, literal

NEARLY = 0.9
SLOWEST = 50
_STATE = """
SELECT current_setting('server_version') AS version,
  pg_database_size(d.oid) AS size_bytes,
  (SELECT count(*) FROM pg_stat_activity WHERE datid = d.oid
     AND backend_type = 'client backend' AND pid <> pg_backend_pid()) AS connections,
  (SELECT count(*) FROM pg_stat_activity WHERE datid = d.oid
     AND wait_event_type = 'Lock') AS waiting,
  round(100.0 * s.blks_hit / nullif(s.blks_hit + s.blks_read, 0), 2) AS cache_hit_percent,
  s.xact_commit AS commits, s.xact_rollback AS rollbacks, s.deadlocks, s.temp_bytes,
  pg_postmaster_start_time() AS up_since,
  (SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0) FROM pg_stat_activity
     WHERE datid = d.oid AND pid <> pg_backend_pid()) AS longest_transaction_seconds
FROM pg_database d JOIN pg_stat_database s ON s.datid = d.oid WHERE d.datname = {database}
"""
_SLOW = r"""
SELECT query, calls, round(total_exec_time::numeric, 1) AS total_ms,
  round(mean_exec_time::numeric, 2) AS mean_ms, round(max_exec_time::numeric, 1) AS max_ms, rows,
  round(100 * (total_exec_time / nullif(sum(total_exec_time) OVER (), 0))::numeric, 1) AS percent
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = {database}
  AND s.userid <> 10  -- the superuser's are ours: backups, and what is asked here
  AND query !~* '^\s*(set|reset|show|begin|start|commit|rollback|discard|deallocate)\M'
ORDER BY total_exec_time DESC LIMIT {limit}
"""
_CONNECTIONS = """
SELECT pid, usename AS "user", application_name, client_addr AS address, state,
  wait_event_type AS waits_for, backend_start AS since, query_start,
  round(extract(epoch FROM now() - query_start)::numeric, 1) AS query_seconds,
  left(query, 500) AS query
FROM pg_stat_activity WHERE datname = {database} AND backend_type = 'client backend'
  AND pid <> pg_backend_pid() ORDER BY query_start NULLS LAST
"""
_END = """
SELECT count(*) FILTER (WHERE {verb}(pid)) FROM pg_stat_activity
WHERE datname = {database} AND backend_type = 'client backend'{chosen};
"""


def read(sql: Sql, plan: Plan) -> tuple[dict[str, Any], dict[str, Any], str]:
    """(health, usage, version). Raises Away."""
    (found,) = sql.ask(_STATE.format(database=_name(sql)))
    used = {
        "size_bytes": found["size_bytes"],
        "size_limit_bytes": plan.limits["disk_mb"] * 2**20,
        "connections": found["connections"],
        "connection_limit": plan.limits["connections"],
    }
    told = ("cache_hit_percent", "commits", "rollbacks", "deadlocks", "temp_bytes", "up_since",
            "waiting", "longest_transaction_seconds")  # fmt: skip
    health = {name: found[name] for name in told} | {"problems": problems(used)}
    return health, used, str(found["version"]).split()[0]


def problems(used: dict[str, Any]) -> list[str]:
    """What somebody should look at, in words."""
    found = []
    if used["size_bytes"] > used["size_limit_bytes"]:
        found.append("The database is larger than its plan: it is read-only until it is smaller.")
    elif used["size_bytes"] > NEARLY * used["size_limit_bytes"]:
        found.append("The database has nearly reached its plan's size.")
    if used["connections"] >= used["connection_limit"]:
        found.append("All connections of the plan are in use.")
    return found


def size_bytes(sql: Sql) -> int:
    """How large the database is. Raises Away."""
    return int(sql.run(f"SELECT pg_database_size({_name(sql)});", wait=True))


def slow_queries(sql: Sql) -> Any:
    """The statements that took most time since they were counted, the longest first."""
    return sql.ask(_SLOW.format(database=_name(sql), limit=SLOWEST))


def forget_slow_queries(sql: Sql) -> None:
    """Begin to count anew."""
    sql.run("SELECT pg_stat_statements_reset();")


def connections(sql: Sql) -> Any:
    """Who is connected, and at what."""
    return sql.ask(_CONNECTIONS.format(database=_name(sql)))


def end_connections(sql: Sql, pid: int | None, *, force: bool) -> int:
    """End all connections of the database, or cancel one's query (`force`: end it); how many."""
    verb = "pg_terminate_backend" if force or pid is None else "pg_cancel_backend"
    chosen = "" if pid is None else f" AND pid = {pid:d}"
    told = _END.format(verb=verb, database=_name(sql), chosen=chosen)
    return int(sql.run(told))


def _name(sql: Sql) -> str:
    return literal(str(sql.resource.secrets["database"]))
