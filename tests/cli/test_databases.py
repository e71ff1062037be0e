"""Databases and their backups as the command line asks for them and shows them."""

from __future__ import annotations

import pytest

from cli.conftest import Kedge
from cli.fake_platform import NOW, Answer, FakePlatform, Steps
from cli.test_addons import RELEASES, RESOLVE, SHOP, addon, attached, attachment

TRANSFERS = "/client/v11/apps/shop/transfers"
DATABASE = "/client/v11/databases/e1"


def transfer(num=7, state="verified", kind="backup", **more):
    told = {
        "num": num, "kind": kind, "state": state, "reason": None, "is_scheduled": False,
        "from_name": "postgresql-clear-1", "to_name": "postgresql-clear-1", "store": "disk",
        "size_bytes": 2_097_152, "processed_bytes": 2_097_152, "restored_bytes": 1_048_576,
        "source_bytes": 8_388_608, "tables": 3, "rows": 5700, "dump_seconds": 1.25,
        "restore_seconds": 2.5, "finished_at": NOW, "started_at": NOW, "expires_at": None, **more,
    }  # fmt: skip
    return {"uuid": f"u{num}", "num": num, "succeeded": state in ("verified", "succeeded"),
            "processed_bytes": 2_097_152, "created_at": NOW, "to_url": f"kedge:e1/u{num}",
            "logs": [{"created_at": NOW, "message": "Dumped."}], "kedge": told}  # fmt: skip


@pytest.fixture
def shop(platform: FakePlatform) -> FakePlatform:
    """The app `shop` with a database and a backup of it."""
    platform.answers |= {
        RESOLVE: [addon()],
        ("GET", "/addons/e1"): addon(),
        ("GET", "/apps/shop/addons"): [addon()],
        ("GET", "/apps/shop/addon-attachments"): [attachment()],
        ("GET", TRANSFERS): [transfer(), transfer(6, "failed", reason="The disk is full.")],
        ("GET", f"{TRANSFERS}/u7"): transfer(),
    }
    return platform


def test_a_capture_is_followed_to_its_proof(shop: FakePlatform, kedge: Kedge):
    """Progress on stderr until it was restored; its number alone on stdout."""
    shop.answers |= {
        ("POST", f"{DATABASE}/backups"): Answer(transfer(state="queued"), 201),
        ("GET", f"{TRANSFERS}/u7"): Steps(transfer(state="running"), transfer(state="verifying"),
                                          transfer()),
    }  # fmt: skip
    done = kedge("pg:backups:capture", "-a", "shop")

    assert (done.status, done.out) == (0, "b007\n")
    assert "Proving it by a restore: 1.0 MB of 2.0 MB" in done.err
    assert "5700 rows in 3 tables; dumped in 1.2 s, verified by a restore in 2.5 s." in done.err


def test_a_capture_that_fails(shop: FakePlatform, kedge: Kedge):
    """Status 1, with the provider's reason and where to look."""
    failed = transfer(state="failed", reason="The bucket cannot be used: denied.")
    shop.answers["POST", f"{DATABASE}/backups"] = Answer(failed, 201)
    done = kedge("pg:backups:capture", "DATABASE_URL", "-a", "shop")

    assert done.status == 1
    assert "b007 failed: The bucket cannot be used: denied." in done.err
    assert "pg:backups:info b007" in done.err


def test_backups_are_listed(shop: FakePlatform, kedge: Kedge):
    """Each with its number, its state in words, and its size."""
    lines = kedge("pg:backups", "-a", "shop").out.splitlines()
    assert [line.split()[0] for line in lines] == ["id", "b007", "b006"]
    assert "Verified" in lines[1]
    assert "Failed: The disk is full." in lines[2]


def test_one_backup_with_its_log(shop: FakePlatform, kedge: Kedge):
    """Without a name it is the newest that was verified."""
    out = kedge("pg:backups:info", "-a", "shop").out
    assert "Restored in:" in out
    assert out.endswith("Dumped.\n")
    assert kedge("pg:backups:info", "b099", "-a", "shop").status == 1


def test_a_restore_is_confirmed(shop: FakePlatform, kedge: Kedge):
    """Without the app's name nothing is asked of the platform; with it the backup is named."""
    restored = transfer(8, "succeeded", "restore")
    shop.answers["POST", f"{DATABASE}/restores"] = Answer(restored, 201)
    refused = kedge("pg:backups:restore", "b007", "DATABASE", "-a", "shop")
    assert refused.status == 1
    assert not shop.of("POST", f"{DATABASE}/restores")

    done = kedge("pg:backups:restore", "b007", "-a", "shop", "--confirm", "shop")
    assert (done.status, done.out) == (0, "r008\n"), done.err
    (asked,) = shop.of("POST", f"{DATABASE}/restores")
    assert asked.json == {"backup_url": "kedge:e1/u7"}


def test_a_download_is_whole_or_not_there(shop: FakePlatform, kedge: Kedge, tmp_path):
    """The file has its name when every byte has come; one that breaks off leaves nothing."""
    url = {"url": f"{shop.url}/streams/x", "expires_at": NOW}
    shop.answers |= {
        ("POST", f"{TRANSFERS}/u7/actions/public-url"): Answer(url, 201),
        ("GET", "/streams/x"): Answer(pieces=[b"x" * 1_048_576] * 2),
    }
    place = tmp_path / "latest.dump"
    assert kedge("pg:backups:download", "-a", "shop", "-o", str(place)).status == 0
    assert place.stat().st_size == 2_097_152
    place.unlink()
    shop.answers["GET", "/streams/x"] = Answer(pieces=[b"x" * 1000])
    assert kedge("pg:backups:download", "-a", "shop", "-o", str(place)).status == 1
    assert list(tmp_path.glob("latest*")) == []


@pytest.mark.parametrize(
    ("at", "body"),
    [
        ("02:00 Europe/Zurich", {"hour": 2, "timezone": "Europe/Zurich"}),
        ("14", {"hour": 14, "timezone": "UTC"}),
    ],
)
def test_a_schedule(shop: FakePlatform, kedge: Kedge, at, body):
    """The hour as Heroku's command line takes it."""
    shop.answers["POST", f"{DATABASE}/transfer-schedules"] = Answer({"next_at": NOW}, 201)
    assert kedge("pg:backups:schedule", "--at", at, "-a", "shop").status == 0
    assert shop.of("POST", f"{DATABASE}/transfer-schedules")[0].json == body
    assert kedge("pg:backups:schedule", "--at", "25:30", "-a", "shop").status == 2


def test_promote_keeps_another_name_for_the_one_before(shop: FakePlatform, kedge: Kedge):
    """What was DATABASE_URL gets a name of its own first, so that it is not lost sight of."""
    other = addon("postgresql-round-2") | {"id": "e2"}
    shop.answers |= {
        RESOLVE: [other],
        ("POST", "/addon-attachments"): Answer(attachment("HEROKU_POSTGRESQL_PINK"), 201),
        RELEASES: attached(7),
    }
    done = kedge("pg:promote", "HEROKU_POSTGRESQL_BLUE_URL", "-a", "shop")

    assert done.status == 0, done.err
    first, second = (each.json for each in shop.of("POST", "/addon-attachments"))
    assert first == {"addon": "e1", "app": "shop"}
    assert second == {"addon": "e2", "app": "shop", "name": "DATABASE", "confirm": "shop"}


def test_no_password_is_shown(shop: FakePlatform, kedge: Kedge):
    """Neither of the credentials nor of the URL, in tables or JSON."""
    login = {"user": "u1", "password": "s3cret", "state": "active", "connections": 3}
    listed = [{"name": "default", "credentials": [login]}]
    shop.answers |= {
        ("GET", "/postgres/v0/databases/e1/credentials"): listed,
        ("GET", DATABASE): {"info": [{"name": "Plan", "values": ["Essential 0"]}],
                            "resource_url": "postgres://u1:s3cret@h/d"},
    }  # fmt: skip
    for command in ("pg:credentials", "pg:info"):
        for more in ((), ("--json",)):
            done = kedge(command, "-a", "shop", *more)
            assert done.status == 0
            assert "s3cret" not in done.out


def test_an_app_without_a_database(platform: FakePlatform, kedge: Kedge):
    """It says how to make one."""
    platform.answers["GET", "/apps/shop/addon-attachments"] = []
    done = kedge("pg:info", "-a", "shop")
    assert done.status == 1
    assert "kedge addons:create heroku-postgresql -a shop" in done.err


def test_settings_of_a_redis_instance(platform: FakePlatform, kedge: Kedge):
    """What is changed is sent alone; a policy there is not is refused here."""
    redis = addon("redis-round-1") | {"addon_service": {"id": "s", "name": "heroku-redis"}}
    config = ("PATCH", "/redis/v0/databases/e1/config")
    platform.answers |= {RESOLVE: [redis | {"app": SHOP}], config: {}}
    assert kedge("redis:maxmemory", "REDIS", "-p", "allkeys-lru", "-a", "shop").status == 0
    assert kedge("redis:timeout", "REDIS", "-s", "60", "-a", "shop").status == 0
    assert [each.json for each in platform.of(*config)] == [
        {"maxmemory_policy": "allkeys-lru"}, {"timeout": 60}]  # fmt: skip
    assert kedge("redis:maxmemory", "-p", "nothing", "-a", "shop").status == 2
