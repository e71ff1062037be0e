"""The API with 1,000 apps of 50 releases each, beside the same with 10 apps.

Two platforms are filled straight in their databases and asked in turns, with pages of the same
length.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import httpx
from measured import median, platform, table, verdict
from sqlalchemy import insert, select

from kedge import clock
from kedge import services as bound
from kedge import settings as configuration
from kedge.home import installation as installations
from kedge.home import postgres, redis
from kedge.model.account import Account
from kedge.model.app import App
from kedge.model.config import ConfigSnapshot
from kedge.model.domain import Domain
from kedge.model.release import Change, Release, Stage, Status
from kedge.model.slug import Slug
from kedge.model.tables import Json, Row
from kedge.ops import snapshots
from kedge.ops.services import Services
from system.installation import Installation

FEW, MANY, RELEASES = 10, 1000, 50
ROUNDS = 150
PAGE = 10
TARGET = 1.3
APPS_AT_A_TIME = 100


def main() -> None:
    """Fill, measure and print."""
    with platform() as few, platform() as many:
        filled = time.monotonic()
        names = [fill(few, FEW), fill(many, MANY)]
        filled = time.monotonic() - filled
        asks = [asked(made, name) for made, name in zip((few, many), names, strict=True)]
        rows = [_row(what, asks[0][what], asks[1][what]) for what in asks[0]]
    table(
        f"API with {MANY} apps x {RELEASES} releases, {ROUNDS} rounds (filled in {filled:.0f} s)",
        ("", f"{FEW} apps", f"{MANY} apps", "ratio", f"target {TARGET}"),
        rows,
    )


def _row(what: str, few: Callable[[], float], many: Callable[[], float]) -> Sequence[str]:
    pairs = [(few(), many()) for _ in range(ROUNDS)]
    one, other = median([pair[0] for pair in pairs]), median([pair[1] for pair in pairs])
    ratio = other / one
    times = (f"{one * 1000:.1f} ms", f"{other * 1000:.1f} ms")
    return (what, *times, f"{ratio:.2f}", verdict(ratio, TARGET))


def asked(made: Installation, name: str) -> dict[str, Callable[[], float]]:
    """The questions, each answered with the seconds it took."""
    visitor = httpx.Client(
        base_url=made.url,
        headers={
            "Authorization": f"Bearer {made.token}",
            "Accept": "application/vnd.heroku+json; version=3",
        },
    )

    def ask(path: str, span: str | None = None) -> Callable[[], float]:
        def timed() -> float:
            began = time.monotonic()
            answer = visitor.get(path, headers={"Range": span} if span else {})
            taken = time.monotonic() - began
            if answer.status_code not in {200, 206}:
                raise SystemExit(answer.text)
            return taken

        timed()
        return timed

    return {
        f"a page of {PAGE} apps": ask("/apps", f"name ..; max={PAGE}"),
        "an app's newest 20 releases": ask(
            f"/apps/{name}/releases", "version ..; order=desc, max=20"
        ),
        "an app's 50 releases": ask(f"/apps/{name}/releases"),
        "an app's config vars": ask(f"/apps/{name}/config-vars"),
        "an app's dynos": ask(f"/apps/{name}/dynos"),
    }


# --- rows straight into the database -----------------------------------------------------------


def fill(made: Installation, count: int) -> str:
    """Make so many apps; the name of one in their middle."""
    services = services_of(made)
    with services.database.transaction() as tx:
        owner = tx.scalars(select(Account)).first()
    assert owner is not None
    for first in range(0, count, APPS_AT_A_TIME):
        numbers = range(first, min(count, first + APPS_AT_A_TIME))
        with services.database.transaction() as tx:
            made_apps = [_app(number, owner) for number in numbers]
            tx.add_all(made_apps)
            tx.flush()
            for app in made_apps:
                tx.add(Domain(app_id=app.id, hostname=f"{app.name}.localhost", kind="heroku"))
                slug = Slug(**_slug(app))
                tx.add(slug)
                snapshot = snapshots.seal(services, tx, app, {"GREETING": app.name})
                tx.flush()
                tx.execute(insert(Release), list(_releases(app, owner, slug, snapshot)))
    with services.database.transaction() as tx:
        tx.connection().exec_driver_sql("analyze")
    services.database.close()
    return f"bench-{count // 2:04}"


def services_of(made: Installation) -> Services:
    """The services of a process of this platform."""
    environment = {name: value for name, value in made.environment.items() if value}
    found = installations.of(configuration.load(environment))
    servers = {"DATABASE_URL": postgres.url(found), "REDIS_URL": redis.url(found)}
    return bound.bind(configuration.load({**environment, **servers}))


def _app(number: int, owner: Account) -> App:
    return App(
        id=uuid.uuid4(),
        name=f"bench-{number:04}",
        owner_id=owner.id,
        last_version=RELEASES,
        head_version=RELEASES,
        buildpack_description="Python",
        released_at=clock.now(),
    )


def _slug(app: App) -> Json:
    return {
        "id": uuid.uuid4(),
        "app_id": app.id,
        "digest": uuid.uuid4().hex * 2,
        "layers": [],
        "process_types": {"web": "gunicorn app:app"},
        "stack": "kedge-13",
        "commit": "0" * 40,
        "stored_bytes": 1_000_000,
    }


def _releases(
    app: App, owner: Account, slug: Slug, snapshot: ConfigSnapshot
) -> Iterator[dict[str, object]]:
    """The history: each release chained to the one before it, as `ops/releases.py` does."""
    previous = "0" * 64
    for version in range(1, RELEASES + 1):
        release = Release(
            id=uuid.uuid4(), app_id=app.id, version=version, status=Status.SUCCEEDED,
            stage=Stage.DONE, change=Change.CONFIG, description=f"Set N{version} config vars",
            user_id=owner.id, slug_id=slug.id, config_id=snapshot.id,
            process_types={"web": "gunicorn app:app"}, formation={}, stack="kedge-13", addons=[],
            previous_digest=previous, created_at=clock.now() - timedelta(hours=RELEASES - version),
        )  # fmt: skip
        release.digest = release.seal(slug_digest=slug.digest, config_digest=snapshot.digest)
        previous = release.digest
        yield _columns(release)


def _columns(row: Row) -> dict[str, object]:
    return {
        column.key: getattr(row, column.key)
        for column in row.__table__.columns
        if getattr(row, column.key) is not None
    }


if __name__ == "__main__":
    main()
