"""The migrations lead to exactly the form the rows have."""

from __future__ import annotations

import importlib
import pkgutil

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

import kedge.model
from kedge.db import migrate, sqlalchemy_url
from kedge.model.tables import Row


def test_a_migrated_database_is_as_the_model_says(database_url):
    """No table, column, index or constraint is missing, too many, or of another type."""
    for module in pkgutil.iter_modules(kedge.model.__path__):
        importlib.import_module(f"kedge.model.{module.name}")
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Row.metadata)
    engine.dispose()
    assert differences == []


def test_migrating_again_changes_nothing(database_url):
    """Every start migrates; a database in its newest form is left alone."""
    migrate(database_url)


def test_every_reference_to_what_may_be_removed_has_an_index(database_url):
    """Removing a slug, a source, a config, a release or an app reads no table from end to end."""
    query = text("""
        select constraints.conrelid::regclass::text, columns.attname
        from pg_constraint constraints
        join pg_attribute columns on columns.attrelid = constraints.conrelid
            and columns.attnum = constraints.conkey[1]
        where constraints.contype = 'f' and constraints.confrelid <> 'accounts'::regclass
            and not exists (select 1 from pg_index indexes
                where indexes.indrelid = constraints.conrelid and indexes.indpred is null
                    and indexes.indkey[0] = constraints.conkey[1])
    """)
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.connect() as connection:
        missing = connection.execute(query).all()
    engine.dispose()
    assert missing == []
