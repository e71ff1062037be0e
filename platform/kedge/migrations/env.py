"""Alembic's entry: one transaction, under a lock, so that several starts at once do no harm."""

from alembic import context
from sqlalchemy import create_engine, text

from kedge.db import sqlalchemy_url

engine = create_engine(sqlalchemy_url(context.config.attributes["url"]))
with engine.begin() as connection:
    connection.execute(text("select pg_advisory_xact_lock(5279)"))
    context.configure(connection=connection)
    context.run_migrations()
engine.dispose()
