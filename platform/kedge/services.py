"""The one place where protocols meet the real engines."""

from __future__ import annotations

from kedge import clock
from kedge.db import Database
from kedge.engine.addresses import MayAsk, is_public, is_public_or_own, is_public_or_private
from kedge.engine.announcer import Announcer
from kedge.engine.logplex import Logplex
from kedge.engine.logs import FileLogStore
from kedge.engine.partner import HttpPartner
from kedge.engine.protocols import LogSender
from kedge.engine.queue import CeleryQueue, celery_app
from kedge.engine.slugs import DiskSlugStore
from kedge.engine.sources import SourceStore
from kedge.engine.wakes import RedisWakes
from kedge.ops.accounts import mint_token
from kedge.ops.services import Services, seen_topic
from kedge.settings import Settings
from kedge.vault import Vault, keys_from

MEGABYTE = 1024 * 1024


def bind(settings: Settings, *, connections: int = 16) -> Services:
    """The services of a process, on the engines its settings name.

    `connections` bounds those to PostgreSQL. All processes together (web with 24 and one for each
    push, worker and dynos) stay below the 100 a server takes by default.
    """
    home = settings.home
    wakes = RedisWakes(settings.redis_url)
    database = Database(settings.database_url, connections=connections)
    database.on_change = Announcer(lambda app_id: wakes.wake(seen_topic(app_id))).note
    return Services(
        settings=settings,
        database=database,
        vault=Vault(keys_from(settings.secret_key, home / "secret.key")),
        now=clock.now,
        wakes=wakes,
        queue=CeleryQueue(celery_app(settings.redis_url)),
        logs=FileLogStore(home / "logs", settings.log_limit_mb * MEGABYTE),
        slugs=DiskSlugStore(home / "slugs"),
        sources=SourceStore(
            home / "sources",
            limit_bytes=settings.source_limit_mb * MEGABYTE,
            may_ask=is_public_or_private if settings.source_private else is_public,
        ),
        partner=HttpPartner(
            settings.run_dir / "addons.sock",
            may_ask=_providers(settings),
        ),
        mint=mint_token,
    )


def log_sender(settings: Settings) -> LogSender:
    """What sends logs on: to where providers may be, too."""
    return Logplex(may_ask=_providers(settings))


def _providers(settings: Settings) -> MayAsk:
    """The addresses at which somebody else's providers are asked."""
    return is_public_or_own if settings.source_private else is_public
