"""The dashboard: how long its pages take with 1,000 apps, and what 100 open ones cost.

Pages are asked for in turns on two platforms, one with 10 apps and one with 1,000. Open pages are
streams of server-sent events; lag is from a change's commit to its arrival on the last of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import httpx
from history import FEW, MANY, fill, services_of
from idle import tree, usage
from measured import median, platform, table, verdict
from sqlalchemy import select

from addons import expect, until
from kedge.engine.protocols import LogLine
from kedge.model.account import Account
from kedge.model.app import App
from kedge.ops import apps, sessions
from kedge.ops.authorize import Actor
from kedge.ops.services import Services
from system.installation import Installation

ROUNDS = 40
PAGE_TARGET_MS = 100.0
OPEN = 100
MEMORY_TARGET_MB = 100.0
LAG_TARGET_SECONDS = 1.0
CHANGES = 10
LOG_LINES = 2000
PAGES = {
    "apps": "/",
    "apps, searched": "/?q=bench-00",
    "overview": "/dashboard/apps/{name}",
    "resources": "/dashboard/apps/{name}/resources",
    "deploy": "/dashboard/apps/{name}/deploy",
    "activity": "/dashboard/apps/{name}/activity",
    "release": "/dashboard/apps/{name}/activity/v40",
    "rollback": "/dashboard/apps/{name}/activity/v40/rollback",
    "access": "/dashboard/apps/{name}/access",
    "logs": "/dashboard/apps/{name}/logs",
    "settings": "/dashboard/apps/{name}/settings",
    "metrics": "/dashboard/apps/{name}/metrics",
    "find an add-on": "/dashboard/apps/{name}/resources/addons",
    "data, Postgres": "/dashboard/apps/{name}/data/{postgres}",
    "data, Redis": "/dashboard/apps/{name}/data/{redis}",
    "account": "/dashboard/account",
    "platform": "/dashboard/platform",
    "people": "/dashboard/platform/people",
    "audit log": "/dashboard/platform/audit",
    "sign in": "/dashboard/sign-in",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One platform: somebody signed in to it, and an app of theirs with a log."""

    made: Installation
    services: Services
    actor: Actor
    name: str
    token: str
    databases: dict[str, str]

    @property
    def cookies(self) -> dict[str, str]:
        """What their browser sends."""
        return {"kedge-session": self.token}


def main() -> None:
    """Fill, measure and print."""
    with platform() as few, platform() as many:
        sides = [side(few, FEW), side(many, MANY)]
        rows = []
        for page, path in PAGES.items():
            asks = [asked(each, path) for each in sides]
            pairs = [(asks[0](), asks[1]()) for _ in range(ROUNDS)]
            one, other = (median([pair[n] for pair in pairs]) for n in (0, 1))
            rows.append((page, f"{one:.1f} ms", f"{other:.1f} ms", verdict(other, PAGE_TARGET_MS)))
        head = ("page", f"{FEW} apps", f"{MANY} apps", f"target {PAGE_TARGET_MS:.0f} ms")
        table(f"The dashboard's pages, medians of {ROUNDS}", head, rows)
        asyncio.run(open_pages(sides[1]))


def side(made: Installation, count: int) -> Side:
    """A filled platform."""
    name, services = fill(made, count), services_of(made)
    with services.database.transaction() as tx:
        account = tx.scalars(select(Account)).one()
        token = sessions.open_session(services, tx, account, sessions.Client("127.0.0.1", "bench"))
        app = tx.scalars(select(App).where(App.name == name)).one()
    now = services.now()
    stamps = [int((now - timedelta(seconds=n)).timestamp() * 1e9) for n in range(LOG_LINES, 0, -1)]
    line = 'at=info method=GET path="/" request_id=6f1ed002-0000 dyno=web.1 service=4ms status=200'
    services.logs.append(app.id, [LogLine(at, "heroku", "router", line) for at in stamps])
    actor = Actor(account.id, account.email, account.is_owner)
    return Side(made, services, actor, name, token, databases(made, name))


def databases(made: Installation, app: str) -> dict[str, str]:
    """The names of a Postgres and a Redis of the app, once its config has both."""
    plans = {"postgres": "heroku-postgresql:essential-0", "redis": "heroku-redis:mini"}
    asked = {
        key: expect(made.api("POST", f"/apps/{app}/addons", {"plan": plan}), 201, 202)["name"]
        for key, plan in plans.items()
    }
    config = f"/apps/{app}/config-vars"
    until(lambda: {"DATABASE_URL", "REDIS_URL"} <= expect(made.api("GET", config), 200).keys())
    return asked


def asked(each: Side, path: str) -> Callable[[], float]:
    """A page, asked for in milliseconds."""
    cookies = {} if "sign-in" in path else each.cookies
    visitor = httpx.Client(base_url=each.made.url, cookies=cookies, trust_env=False)

    def timed() -> float:
        began = time.monotonic()
        answer = visitor.get(path.format(name=each.name, **each.databases))
        taken = time.monotonic() - began
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code}")
        return taken * 1000

    timed()
    return timed


# --- open pages --------------------------------------------------------------------------------


async def open_pages(each: Side) -> None:
    """Memory and lag of pages that are open together."""
    names = [f"bench-{number:04}" for number in range(OPEN)]
    with each.services.database.transaction() as tx:
        found = tx.execute(select(App.name, App.id).where(App.name.in_(names)))
        ids = dict(found.all())
    same = [f"page=overview&app={ids[names[0]]}"] * OPEN
    logs = [query.replace("overview", "logs") for query in same]
    overviews = [f"page=overview&app={ids[name]}" for name in names]
    rows = [
        await opened(
            each, f"{OPEN} overviews of {OPEN} apps, one changes", overviews, names[:1], {0}
        ),
        await opened(each, "one app's overview", same, [names[0]]),
        await opened(each, "the list of apps", ["page=apps"] * OPEN, [names[0]]),
        await opened(each, "an app's log", logs, [names[0]]),
        await opened(
            each, f"{OPEN} overviews of {OPEN} apps, all change at once",
            overviews, names,
        ),
    ]  # fmt: skip
    head = (f"{OPEN} open pages", "memory", f"target {MEMORY_TARGET_MB:.0f} MB", "lag, median",
            "lag, worst", f"target {LAG_TARGET_SECONDS:.0f} s", "processor while idle")  # fmt: skip
    table(f"{OPEN} open pages; lag of the last of them, {CHANGES} changes", head, rows)


async def opened(
    each: Side, what: str, queries: list[str], changed: list[str], hear: set[int] | None = None
) -> tuple[str, ...]:
    """Open pages, change apps, and see when the last page that is to `hear` of it (all) has."""
    everybody = set(range(len(queries)))
    pid, before = web_of(each), memory_mb(each)
    arrivals: asyncio.Queue[int] = asyncio.Queue()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=each.made.url, cookies=each.cookies, trust_env=False, timeout=None, limits=limits
    ) as visitor:
        listeners = [
            asyncio.create_task(listen(visitor, number, query, arrivals))
            for number, query in enumerate(queries)
        ]
        await all_of(arrivals, everybody)
        await asyncio.sleep(3)
        grown, idle = memory_mb(each) - before, usage(pid).processor_seconds
        await asyncio.sleep(10)
        percent = (usage(pid).processor_seconds - idle) * 10
        turns = [number % 2 == 0 for number in range(CHANGES)]
        lags = [await lag(each, changed, arrivals, hear or everybody, on) for on in turns]
        for listener in listeners:
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
    await asyncio.sleep(4)  # the server looks every two seconds whether its readers are there
    return (
        what, f"{grown:.0f} MB", verdict(grown, MEMORY_TARGET_MB), f"{median(lags):.2f} s",
        f"{max(lags):.2f} s", verdict(max(lags), LAG_TARGET_SECONDS), f"{percent:.1f} %",
    )  # fmt: skip


async def listen(
    visitor: httpx.AsyncClient, number: int, query: str, arrivals: asyncio.Queue[int]
) -> None:
    """Tell of every event of one open page."""
    async with visitor.stream("GET", f"/dashboard/live?{query}") as answer:
        if answer.status_code != 200:
            raise SystemExit(f"{query}: {answer.status_code}")
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                arrivals.put_nowait(number)


async def lag(
    each: Side, changed: list[str], arrivals: asyncio.Queue[int], readers: set[int], on: bool
) -> float:
    """Seconds from the last commit of a change to its arrival on the last page."""
    await asyncio.sleep(1.5)
    while not arrivals.empty():
        arrivals.get_nowait()
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, change, each, changed, on)
    began = time.monotonic()
    await all_of(arrivals, readers)
    return time.monotonic() - began


def change(each: Side, names: list[str], on: bool) -> None:
    """Something people see of these apps changes."""
    for name in names:
        apps.set_maintenance(each.services, each.actor, name, on=on)


async def all_of(arrivals: asyncio.Queue[int], readers: set[int]) -> None:
    """Until each of these pages has had an event."""
    missing = set(readers)
    async with asyncio.timeout(60):
        while missing:
            missing.discard(await arrivals.get())


def web_of(each: Side) -> int:
    """The process that serves the dashboard: Gunicorn's worker."""
    master: int = each.made.part("web")["pid"]
    return next(pid for pid, parent in tree(master).items() if parent == master)


def memory_mb(each: Side) -> float:
    """The memory of the dashboard's process."""
    return usage(web_of(each)).megabytes


if __name__ == "__main__":
    main()
