"""The rotation of the installation's key over the API."""

import stat
from dataclasses import replace

import pytest
from sqlalchemy import text

from api.conftest import Api
from kedge.vault import Vault, keys_from, new_key

ROTATE = "/kedge/keys/rotate"


@pytest.fixture
def filled(api, deployer, hello):
    """An app with four different configs, and a dyno with an environment of its own."""
    deployer.deploy()
    for number in range(3):
        api.patch("/apps/hello/config-vars", {"A": f"value {number}"})
    api.post("/apps/hello/dynos", {"command": "ls", "env": {"B": "own"}})


def test_everything_is_sealed_with_the_new_key(api, services, filled):
    """After a rotation nothing is sealed with an earlier key, and everything reads as before."""
    done = api.post(ROTATE, {}, 200)
    assert done == {"resealed": 4, "platform_keys": 1, "dynos": 1, "unreadable": 0}
    newest_only = Vault(lambda: _keys(services)[0])
    assert _prefixes(services) == {newest_only.newest_id}
    assert api.get("/apps/hello/config-vars") == {"A": "value 2"}
    assert api.get("/apps/hello/releases/5/config-vars") == {"A": "value 1"}
    assert api.get("/kedge/apps/hello/releases/verify")["verified"] is True


def test_the_key_file(api, services, filled):
    """The new key comes first in the file, earlier ones stay, and nobody else may read it."""
    before = _keys(services)
    api.post(ROTATE, {}, 200)
    api.post(ROTATE, {}, 200)
    after = _keys(services)
    assert after[2:] == before
    assert len(set(after)) == 3
    assert stat.S_IMODE((services.settings.home / "secret.key").stat().st_mode) == 0o600


def test_other_processes_need_no_restart(api, services, filled):
    """A process that has the keys of before reads what was sealed since."""
    other = Vault(keys_from("", services.settings.home / "secret.key"))
    api.post(ROTATE, {}, 200)
    elsewhere = Api(_application(services, vault=other), api.token)
    assert elsewhere.get("/apps/hello/config-vars") == {"A": "value 2"}


def test_keys_of_the_operator_s_own(api, services, filled):
    """With KEDGE_SECRET_KEY set, its first key seals, and no file is written."""
    earlier = _keys(services)
    first = new_key()
    listed = ",".join([first, *earlier])
    settings = replace(services.settings, secret_key=listed)
    vault = Vault(keys_from(listed, services.settings.home / "secret.key"))
    own = Api(_application(services, settings=settings, vault=vault), api.token)
    own.post(ROTATE, {}, 200)
    assert _keys(services) == earlier
    assert _prefixes(services) == {Vault(lambda: first).newest_id}


def test_what_no_key_opens(api, services, filled):
    """A value no key opens is counted and left as it is; the others are sealed all the same."""
    with services.database.transaction() as tx:
        broken = "update platform_keys set sealed = '\\x0000000000000000'"
        tx.execute(text(broken))
    done = api.post(ROTATE, {}, 200)
    assert (done["resealed"], done["unreadable"]) == (4, 1)


def test_one_rotation_at_a_time(api, services, filled):
    """While one rotation goes on another is refused."""
    with services.database.advisory_lock("keys:rotate") as lock:
        assert lock.held
        assert api.post(ROTATE, {}, 409)["id"] == "conflict"


def test_only_the_owner_may(api, services):
    """Nobody but the installation's owner may rotate its keys."""
    with services.database.transaction() as tx:
        tx.execute(text("update accounts set is_owner = false"))
    assert api.post(ROTATE, {}, 403)["id"] == "forbidden"


def _application(services, **changes):
    from kedge.api.application import create

    return create(replace(services, **changes))


def _keys(services):
    return (services.settings.home / "secret.key").read_text().split()


def _prefixes(services):
    with services.database.transaction() as tx:
        rows = tx.execute(
            text(
                "select sealed from config_snapshots union all select sealed from platform_keys "
                "union all select sealed_env from dynos"
            )
        )
        return {bytes(row[0])[:8] for row in rows}
