"""The API as Gunicorn serves it: database and home by the environment, fakes for Redis."""

import os
from pathlib import Path

from kedge import clock
from kedge.api.application import create
from kedge.db import Database
from kedge.engine.fakes.signals import FakeQueue, FakeWakes
from kedge.engine.logs import FileLogStore
from kedge.engine.slugs import DiskSlugStore
from kedge.engine.sources import SourceStore
from kedge.ops.accounts import mint_token
from kedge.ops.services import Services
from kedge.settings import Settings
from kedge.vault import Vault, keys_from

home = Path(os.environ["KEDGE_HOME"])
settings = Settings(home=home, database_url=os.environ["DATABASE_URL"])
application = create(
    Services(
        settings=settings,
        database=Database(settings.database_url),
        vault=Vault(keys_from("", home / "secret.key")),
        now=clock.now,
        wakes=FakeWakes(),
        queue=FakeQueue(),
        logs=FileLogStore(home / "logs", settings.log_limit_mb * 1024 * 1024),
        slugs=DiskSlugStore(home / "slugs"),
        sources=SourceStore(home / "sources"),
        mint=mint_token,
    )
)
