"""Which dynos are let to which add-ons."""

import uuid

import pytest
from sqlalchemy import select

from kedge.engine.fakes.runtime import FakeRuntime
from kedge.loops.reach import Reach
from kedge.model.addon import Addon, AddonService, Attachment, Plan, State
from kedge.model.dyno import Dyno
from kedge.model.dyno import State as DynoState
from kedge.model.release import Release
from kedge.ops import apps


@pytest.fixture
def scene(services, owner):
    """Two apps with a dyno each, an add-on attached to the first; ids by name."""
    shop, other = (apps.create(services, owner.actor, name).id for name in ("shop", "other"))
    with services.database.transaction() as tx:
        service = AddonService(
            id=uuid.uuid4(), name="store", human_name="Store", base_url="http://x",
            config_vars=["STORE_URL"], prefix="STORE", primary_name="STORE", sealed=b"",
        )  # fmt: skip
        plan = Plan(id=uuid.uuid4(), service_id=service.id, name="store:a", human_name="A")
        addon = Addon(
            id=uuid.uuid4(), name="store-clear-1", app_id=shop, plan_id=plan.id,
            user_id=owner.actor.account_id, state=State.PROVISIONED,
        )  # fmt: skip
        for row in (service, plan, addon):
            tx.add(row)
            tx.flush()
        tx.add(Attachment(name="STORE", addon_id=addon.id, app_id=shop))
        dynos = {app_id: _dyno(tx, app_id) for app_id in (shop, other)}
    return {"shop": dynos[shop], "other": dynos[other], "addon": addon.id}


def _dyno(tx, app_id):
    release_id = tx.scalar(select(Release.id).where(Release.app_id == app_id))
    row = Dyno(
        id=uuid.uuid4(), app_id=app_id, release_id=release_id, command="x", kind="dyno",
        type="web", ordinal=1, size="Basic",
    )  # fmt: skip
    tx.add(row)
    return row.id


def test_only_dynos_of_apps_it_is_attached_to(services, scene):
    """A dyno is let to its own app's add-ons; others' dynos are not among them."""
    runtime = FakeRuntime()
    Reach(services, runtime).look()

    assert runtime.reach == {scene["shop"]: frozenset({scene["addon"]})}


def test_before_its_start(services, scene):
    """A dyno is let to them before it starts; of an app without any nothing is asked."""
    runtime = FakeRuntime()
    reach = Reach(services, runtime)
    with services.database.transaction() as tx:
        dynos = [tx.get_one(Dyno, scene[name]) for name in ("other", "shop")]
    reach.before_start(dynos[0])
    assert runtime.reach == {}
    reach.before_start(dynos[1])

    assert scene["shop"] in runtime.reach


def test_the_ended_are_let_to_nothing(services, scene):
    """What has ended, or was detached, is closed at the next look."""
    runtime = FakeRuntime()
    reach = Reach(services, runtime)
    reach.look()
    with services.database.transaction() as tx:
        tx.get_one(Dyno, scene["shop"]).state = DynoState.ENDED
    reach.look()

    assert runtime.reach == {}
