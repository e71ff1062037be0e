"""The providers' own schema."""

import importlib
import pkgutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

import kedge_addons
from kedge_addons.database import Database, migrations
from kedge_addons.resource import SCHEMA, Row


@pytest.fixture
def url(postgres):
    """The URL of a database that has no schema of the providers' yet."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


def test_a_migrated_schema_is_as_the_rows_say(url):
    """No table, column, index or constraint is missing, too many, or of another type."""
    for module in pkgutil.walk_packages(kedge_addons.__path__, "kedge_addons."):
        if not module.name.endswith("__main__") and ".inside" not in module.name:
            importlib.import_module(module.name)
    database = Database(url)
    database.migrate()
    database.close()
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    options = {
        "compare_type": True,
        "include_schemas": True,
        "include_name": lambda name, kind, _parents: kind != "schema" or name == SCHEMA,
        "include_object": lambda _object, name, kind, *_: (kind, name) != ("table", "migrations"),
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, Row.metadata)
    engine.dispose()
    assert differences == []


def test_processes_that_start_together_migrate_once(url):
    """Each migration is run by one of them, the others wait and find it done."""
    databases = [Database(url) for _ in range(4)]
    with ThreadPoolExecutor(len(databases)) as pool:
        list(pool.map(Database.migrate, databases))
    with databases[0].transaction() as tx:
        rows = tx.connection().exec_driver_sql(f"SELECT name FROM {SCHEMA}.migrations").all()
    for each in databases:
        each.close()
    assert sorted(name for (name,) in rows) == [name for name, _ in migrations()]
