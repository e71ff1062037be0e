"""What many tests stand on: a private PostgreSQL, and `Services` over a fresh database each."""

import functools
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

TESTS = Path(__file__).parent
CHROMIUM = Path("/usr/bin/chromium-headless-shell")
# Files run side by side, and a long one begun last is waited for by everybody.
LONG_FIRST = ("compose", "chaos", "system", "browser", "addons", "buildpacks", "home", "engine")


def pytest_collection_modifyitems(items):
    """Folders whose files take minutes come first, the others after them as they are."""
    last = len(LONG_FIRST)
    place = {name: number for number, name in enumerate(LONG_FIRST)}
    items.sort(key=lambda item: place.get(item.path.relative_to(TESTS).parts[0], last))


@pytest.fixture(scope="session")
def postgres():
    """A private PostgreSQL cluster for the whole session."""
    from throwaway_postgres import Cluster

    cluster = Cluster()
    try:
        yield cluster.start()
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """The distribution's Chromium, without a screen, in a network of its own."""
    from playwright.sync_api import sync_playwright

    from browser.network import WayOut

    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM} here")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    folder = tmp_path_factory.mktemp("browser")
    with WayOut(folder, str(CHROMIUM)) as way_out, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=way_out.program, args=options)
        yield browser
        browser.close()


@pytest.fixture
def database_url(postgres):
    """The URL of a migrated database without rows."""
    name = postgres.take()
    yield postgres.url(name)
    postgres.give_back(name)


@functools.cache
def opened(url):
    """The database there: SQLAlchemy compiles each statement once for each of these."""
    from kedge.db import Database

    return Database(url)


@pytest.fixture
def services(settings, monkeypatch):
    """Services on real PostgreSQL, logs and slugs; queue and wakes are in memory."""
    from argon2 import PasswordHasher

    from kedge.ops import passwords

    # A hash that is slow on purpose is the same hash when it is quick.
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", quick)
    database = opened(settings.database_url)
    on_change = database.on_change
    yield services_on(settings, database)
    database.on_change = on_change
    database.close()


@pytest.fixture
def settings(database_url):
    """The settings of an installation of its own."""
    import memory
    from kedge.settings import Settings

    folder = memory.folder("kedge-")
    yield Settings(home=folder / "home", database_url=database_url)
    shutil.rmtree(folder, ignore_errors=True)


def services_on(settings, database):
    """Services of an installation in a home that is still to be made."""
    from kedge import clock
    from kedge.engine.fakes.signals import FakeQueue, FakeWakes
    from kedge.engine.logs import FileLogStore
    from kedge.engine.partner import HttpPartner
    from kedge.engine.slugs import DiskSlugStore
    from kedge.engine.sources import SourceStore
    from kedge.ops.accounts import mint_token
    from kedge.ops.services import Services
    from kedge.vault import Vault, keys_from, new_key

    home = settings.home
    home.mkdir()
    (home / "secret.key").write_text(new_key() + "\n")
    return Services(
        settings=settings,
        database=database,
        vault=Vault(keys_from(settings.secret_key, home / "secret.key")),
        now=clock.now,
        wakes=FakeWakes(),
        queue=FakeQueue(),
        logs=FileLogStore(home / "logs", settings.log_limit_mb * 1024 * 1024),
        slugs=DiskSlugStore(home / "slugs"),
        sources=SourceStore(home / "sources"),
        partner=HttpPartner(
            home / "addons.sock", may_ask=lambda _address: True, answer_seconds=2.0
        ),
        mint=mint_token,
    )


@pytest.fixture
def owner(services):
    """The installation's owner: `token`, and the `actor` it stands for."""
    from kedge.ops import accounts

    token = accounts.ensure_owner(services, services.settings.owner)
    return SimpleNamespace(token=token, actor=accounts.authenticate(services, token))
