"""API and git as Gunicorn serves them: database and home by the environment, fakes for Redis."""

import os
from pathlib import Path

from kedge import clock
from kedge.api.application import create
from kedge.db import Database
from kedge.engine.fakes.signals import FakeQueue, FakeWakes
from kedge.engine.git import Repositories
from kedge.engine.logs import FileLogStore
from kedge.engine.partner import HttpPartner
from kedge.engine.slugs import DiskSlugStore
from kedge.engine.sources import SourceStore
from kedge.git.http import blueprint
from kedge.ops.accounts import mint_token
from kedge.ops.services import Services
from kedge.settings import Settings
from kedge.vault import Vault, keys_from

home = Path(os.environ["KEDGE_HOME"])
settings = Settings(
    home=home,
    database_url=os.environ["DATABASE_URL"],
    web_threads=int(os.environ.get("KEDGE_WEB_THREADS", "256")),
)
services = Services(
    settings=settings,
    database=Database(settings.database_url, connections=4),
    vault=Vault(keys_from("", home / "secret.key")),
    now=clock.now,
    wakes=FakeWakes(),
    queue=FakeQueue(),
    logs=FileLogStore(home / "logs", settings.log_limit_mb * 1024 * 1024),
    slugs=DiskSlugStore(home / "slugs"),
    sources=SourceStore(home / "sources"),
    partner=HttpPartner(home / "addons.sock", may_ask=lambda _address: True),
    mint=mint_token,
)
repositories = Repositories(home / "repos", settings.source_limit_mb)
application = create(services, [blueprint(services, repositories)])
