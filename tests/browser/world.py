"""An installation with something on every page, written by people who mean harm.

`EVIL` is in whatever people, programs and providers may write: none of it may become markup or run.
"""

from __future__ import annotations

import math
import uuid
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import update

from browser.database import databases, verified
from browser.shop import Shop
from kedge.model.account import Account
from kedge.ops import (
    accounts,
    addon_services,
    addons,
    attachments,
    backups,
    collaborators,
    metrics,
    sessions,
    users,
)
from kedge.plan.metrics import Requests, Samples, minute_of
from providers.third_party import ThirdParty

EVIL = """"'><script>window.bad=1</script><img src=x onerror="window.bad=1"><b>{{7*7}}"""


def attacked(shop):
    """An app whose config, log, commits, output and failures hold what would be markup."""
    shop.config(EVIL=EVIL)
    shop.build(EVIL, output=EVIL.encode() + b"\n\x1b[31m" + EVIL.encode())
    shop.failed = shop.fail(EVIL)
    shop.log(EVIL, f"\x1b[32m{EVIL}")
    shop.log(f"request_id={EVIL}", process="router", source="heroku")
    failure = {"reason": EVIL, "last_lines": [EVIL], "dyno": EVIL, "command": EVIL}
    shop.dyno(ordinal=2, state="crashed", failure=failure)
    return shop


def measured(shop):
    """Two hours of requests and of two dynos, with an hour in which a fourth failed."""
    now = minute_of(shop.services.now())
    requests, samples = {}, {}
    for ago in range(110):
        minute = now - timedelta(minutes=ago)
        counted = Requests()
        for n in range(int(40 + 30 * math.sin(ago / 9))):
            status, code = (503, "H12") if ago in range(30, 36) and n % 4 == 0 else (200, None)
            counted.add(status, code, int(20 + n % 17 + (300 if n % 25 == 0 else 0)), 900)
        requests[shop.app.id, minute] = counted
        for dyno in ("web.1", "web.2"):
            used = Samples("Standard-1X")
            used.add(180 + ago % 20 + (40 if dyno == "web.2" else 0), 0.2 + 0.1 * math.sin(ago / 5))
            samples[shop.app.id, minute, dyno] = used
    metrics.add(shop.services, requests, samples)
    return shop


@contextmanager
def everything(platform, people):
    """An owner of the installation with an app; `parts` stand in the addresses of its pages."""
    services, boss, guest = platform.services, people.make(is_owner=True), people.make()
    shop = Shop(services, boss, f"world-{uuid.uuid4().hex[:8]}").deployed()
    measured(attacked(shop))
    other = Shop(services, guest, f"other-{uuid.uuid4().hex[:8]}")
    names = (f"{kind}-{uuid.uuid4().hex[:8]}" for kind in ("db", "far"))
    with ThirdParty(next(names)) as provider, ThirdParty(next(names)) as away:
        addon = _provided(shop, provider, away)
        waiting = shop.build(EVIL, run=False, output=EVIL.encode())
        token = _peopled(shop, guest)
        collaborators.offer(services, guest, other.name, boss.email)
        with databases(shop) as (data, database):
            data.transfer("backup", "failed", reason=EVIL)
            data.transfer("backup", "verifying", size_bytes=900, restored_bytes=300)
            backups.alert(services, database, EVIL, "backup")
            shop.parts = {
                "app": shop.name, "build": waiting.id, "version": "v3", "key": "GREETING",
                "addon": addon.name, "service": provider.service, "token": token,
                "database": database.name, "backup": verified(data)["id"],
            }  # fmt: skip
            yield shop


def _provided(shop, provider, away):
    """Add-ons in every state, of a service whose every word is markup."""
    services, owner = shop.services, shop.owner
    plans = [
        {"name": "free", "human_name": EVIL, "description": EVIL, "attributes": {EVIL: EVIL}},
        {"name": "team", "human_name": "Team", "price": {"cents": 900, "unit": "month"}},
    ]
    manifest = provider.manifest(
        name=EVIL[:90], description=EVIL, icon="no-such-icon", plans=plans, primary="DATABASE"
    )
    addon_services.register(services, None, manifest)
    addon_services.register(services, None, away.manifest(name="Far away"))
    made = addons.create(services, owner, shop.name, provider.service)
    attachments.attach(services, owner, made.name, shop.name, "SECOND")
    away.then(status=503, payload={"message": EVIL})
    addons.create(services, owner, shop.name, away.service)
    shop.go_live()
    return made


def _peopled(shop, guest):
    """People with names, sessions and tokens that are markup; an invitation's token."""
    services, boss = shop.services, shop.owner
    with services.database.transaction() as tx:
        tx.execute(update(Account).where(Account.id == guest.account_id).values(name=EVIL[:60]))
        account = tx.get_one(Account, boss.account_id)
        sessions.open_session(services, tx, account, sessions.Client("127.0.0.1", EVIL))
    accounts.create_authorization(services, boss, EVIL, None)
    collaborators.add(services, boss, shop.name, guest.email, ["view", "operate"])
    users.invite(services, boss, f"late-{uuid.uuid4().hex[:6]}@example.com", is_owner=True)
    _, token = users.invite(services, boss, f"new-{uuid.uuid4().hex[:6]}@example.com")
    return token
