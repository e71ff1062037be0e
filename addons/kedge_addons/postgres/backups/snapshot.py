"""A database as it was at one moment: its dump, and how many rows each table had then.

Both are made in the same exported snapshot (`pg_export_snapshot`), so that they belong together
whatever is written meanwhile: https://www.postgresql.org/docs/17/functions-admin.html, and
`--snapshot` of https://www.postgresql.org/docs/17/app-pgdump.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain

from kedge_addons.errors import Away
from kedge_addons.postgres.server import SOCKET_DIR

# One row of JSON: "schema.table" to its number of rows. What belongs to an extension is not dumped.
COUNTS = (
    "SELECT coalesce(json_object_agg(name, rows), '{}') FROM ("
    " SELECT format('%I.%I', n.nspname, c.relname) AS name,"
    " (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM ONLY %I.%I',"
    " n.nspname, c.relname), false, true, '')))[1]::text::bigint AS rows"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'"
    " AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_depend d"
    " WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')) t;"
)
# Row security may name roles; they must be there for a dump to be restored.
ROLES = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres';"
NAME = "kedge transfer"
END_SESSIONS = f"""SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
  WHERE application_name = '{NAME}' AND pid <> pg_backend_pid();"""  # noqa: S608 - all of it is here
# One session holds the snapshot while the other dumps in it. What comes out is one line of JSON,
# the counts, then the dump.
_DUMP = r"""set -eu
export PGAPPNAME="$4"
coproc psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$3" -U postgres -d "$1"
exec 3>&"${COPROC[1]}" 4<&"${COPROC[0]}"
echo "SET lock_timeout = '60s';" >&3
echo "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot();" >&3
read -r -u 4 snapshot
echo "$2" >&3
read -r -u 4 counts
printf '%s\n' "$counts"
pg_dump -h "$3" -U postgres --format=custom --compress=zstd:1 --no-owner --no-privileges \
  --lock-wait-timeout=60s --snapshot="$snapshot" "$1"
echo "COMMIT;" >&3  # and bash, which would become pg_dump were it the last, keeps its coprocess
"""
COUNTS_LIMIT_BYTES = 64 * 1024 * 1024


def command(database: str) -> list[str]:
    """What is run inside the server; `parted` reads what it writes."""
    return ["bash", "-c", _DUMP, "dump", database, COUNTS, SOCKET_DIR, NAME]


def parted(pieces: Iterator[bytes]) -> tuple[dict[str, int], Iterator[bytes]]:
    """The counts, and the dump that follows them. Raises Away: there are none."""
    first = bytearray()
    for piece in pieces:
        first += piece
        line, newline, rest = bytes(first).partition(b"\n")
        if newline:
            return counts_of(line), chain([rest] if rest else [], pieces)
        if len(first) > COUNTS_LIMIT_BYTES:
            break
    raise Away("The server said nothing of its tables.")


def counts_of(written: bytes | str) -> dict[str, int]:
    """Rows by table, of what `COUNTS` gives. Raises Away."""
    try:
        found = json.loads(written)
        return {str(name): int(rows) for name, rows in found.items()}
    except (ValueError, AttributeError, TypeError):
        raise Away("The server said nothing of its tables.") from None


def difference(wanted: Mapping[str, int], found: Mapping[str, int]) -> str | None:
    """What differs, in words that name tables and numbers and hold no data; None: nothing."""
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        return f"{len(missing)} of {len(wanted)} tables are missing, such as {missing[0]}."
    for name in sorted(found):
        if found[name] != wanted.get(name):
            there = wanted.get(name, "no such table")
            return f"{name} has {found[name]} rows when restored; there were {there}."
    return None
