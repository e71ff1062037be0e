"""The services there are, as they are offered."""

from __future__ import annotations

from kedge_addons.mail.offer import OFFER as MAIL
from kedge_addons.objectstore.offer import OFFER as OBJECTSTORE
from kedge_addons.offer import Offer
from kedge_addons.postgres.offer import OFFER as POSTGRES
from kedge_addons.redis.offer import OFFER as REDIS
from kedge_addons.scheduler.offer import OFFER as SCHEDULER

OFFERS: tuple[Offer, ...] = (POSTGRES, REDIS, SCHEDULER, MAIL, OBJECTSTORE)
