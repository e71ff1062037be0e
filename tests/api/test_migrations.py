"""The migrations lead to exactly the form the rows have."""

from __future__ import annotations

import importlib
import pkgutil

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

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
