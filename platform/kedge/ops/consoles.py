"""Consoles: `psql` or `redis-cli` in a one-off dyno of a database's app, connected to it.

Databases are reached by dynos of the apps they are attached to and by nobody else, so the client
runs there, and a person's terminal is attached by rendezvous as with `kedge run`. The password goes
in the dyno's sealed environment: it is in no command line, and the person's machine never has it.
https://www.postgresql.org/docs/current/libpq-envars.html, https://redis.io/docs/latest/develop/tools/cli/
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from kedge.errors import Conflict
from kedge.model.addon import Addon
from kedge.model.dyno import Dyno
from kedge.ops import attached, databases, dynos, releases
from kedge.ops.authorize import Action, Actor, find_app
from kedge.ops.databases import POSTGRES, REDIS
from kedge.ops.dynos import OneOff
from kedge.ops.services import Services

KEEP_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """How a console is wanted: with a terminal of which size, or for piped commands.

    With `stops_at_errors` psql ends with status 3 at the first command that fails.
    """

    tty: bool = True
    term: str = "xterm"
    columns: int | None = None
    lines: int | None = None
    stops_at_errors: bool = False


def open_(
    services: Services, actor: Actor, identity: str, service: str, wanted: Terminal
) -> tuple[Dyno, str | None]:
    """A dyno that runs the client of a database, and the secret to its streams.

    It needs no code of the app: without any it runs in the bare stack image.

    Raises:
        NotFound, Forbidden: as `databases.find`; it takes the right to operate.
        Conflict: the app does not have it attached.
    """
    addon = databases.find(services, actor, identity, service, Action.OPERATE)
    url = urlsplit(databases.own_url(services, addon) or "")
    command, env = client_of(service, url, wanted, addon.name)
    asked = OneOff(command=command, attach=True, env={**env, **_size(wanted)},
                   type=_type(service), tty=wanted.tty, time_to_live=KEEP_SECONDS)  # fmt: skip
    command, own = dynos.checked(asked)
    with services.database.transaction() as tx:
        app = find_app(tx, actor, str(addon.app_id), Action.OPERATE, lock=True)
        if not any(each.app_id == app.id for each in attached.of_addon(tx, addon)):
            raise Conflict(_unattached(addon, app.name))
        release = releases.head(tx, app) or releases.newest(tx, app)
        return dynos.begin(services, tx, actor, app, release, asked, command, own)


def client_of(
    service: str, url: SplitResult, wanted: Terminal, name: str
) -> tuple[str, dict[str, str]]:
    """The client's command line and its environment, which alone holds the password."""
    if service == POSTGRES:
        return _psql(wanted, name), _libpq(url)
    return _redis_cli(url), {"REDISCLI_AUTH": unquote(url.password or "")}


def _psql(wanted: Terminal, name: str) -> str:
    prompt = f"{name}%R%x%# "
    words = ["psql", "--no-psqlrc"]
    if wanted.tty:
        words += [f"--set=PROMPT1={prompt}", f"--set=PROMPT2={prompt}"]
    if wanted.stops_at_errors:
        words += ["--set=ON_ERROR_STOP=1"]
    return shlex.join(words)


def _libpq(url: SplitResult) -> dict[str, str]:
    return {
        "PGHOST": url.hostname or "",
        "PGPORT": str(url.port or 5432),
        "PGUSER": unquote(url.username or ""),
        "PGPASSWORD": unquote(url.password or ""),
        "PGDATABASE": unquote(url.path.lstrip("/")),
        "PGSSLMODE": "require",
        "PGAPPNAME": "psql",
        "PSQL_HISTORY": "/dev/null",  # the dyno's disk goes with it
        "PAGER": "less",
        "LESS": "-SRXF",
    }


def _redis_cli(url: SplitResult) -> str:
    words = ["redis-cli", "-h", url.hostname or "", "-p", str(url.port or 6379)]
    if url.username:
        words += ["--user", unquote(url.username)]
    if url.scheme == "rediss":
        words += ["--tls", "--insecure"]  # its certificate is of its own making
    return shlex.join(words)


def _size(wanted: Terminal) -> dict[str, str]:
    if not wanted.tty:
        return {}
    size = {"COLUMNS": wanted.columns, "LINES": wanted.lines}
    return {"TERM": wanted.term} | {key: str(value) for key, value in size.items() if value}


def _type(service: str) -> str:
    """What the dyno's name begins with."""
    return {POSTGRES: "psql", REDIS: "redis-cli"}[service]


def _unattached(addon: Addon, app: str) -> str:
    return f"{addon.name} is not attached to {app}: `kedge addons:attach {addon.name} -a {app}`."
