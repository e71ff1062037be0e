"""Apps at a glance, as their list has them."""

from __future__ import annotations

from kedge.ops import apps, favourites, glances
from kedge.ops.authorize import Actor


def test_favourites_come_first_and_pages_go_on_behind_them(services, owner):
    """The list is by name behind the favourites; its pages hold every app once."""
    for name in ("alpha", "beta", "gamma", "delta", "omega"):
        apps.create(services, owner.actor, name)
    for name in ("omega", "gamma"):
        favourites.set_favourite(services, owner.actor, name, on=True)
        favourites.set_favourite(services, owner.actor, name, on=True)
    assert listed(services, owner.actor) == [["gamma", "omega"], ["alpha", "beta"], ["delta"]]

    favourites.set_favourite(services, owner.actor, "omega", on=False)
    assert listed(services, owner.actor) == [["gamma", "alpha"], ["beta", "delta"], ["omega"]]


def test_a_search_finds_letters_as_they_are(services, owner):
    """What a pattern takes for anything is a letter too; a name that begins so comes first."""
    for name in ("shop", "my-shop", "work-shop"):
        apps.create(services, owner.actor, name)
    found = glances.list_glances(services, owner.actor, search="shop", limit=9)
    assert [each.name for each in found.apps] == ["my-shop", "shop", "work-shop"]
    assert glances.list_glances(services, owner.actor, search="%", limit=9).apps == []
    assert glances.names(services, owner.actor, "shop", 2) == ["shop", "my-shop"]


def test_others_apps_are_not_among_them(services, owner):
    """The list, the search and the glance hold what a person may see, and nothing else."""
    app = apps.create(services, owner.actor, "mine")
    stranger = Actor(services_stranger(services), "stranger@localhost", is_owner=False)
    assert glances.list_glances(services, stranger, limit=9).apps == []
    assert glances.names(services, stranger, "mi", 9) == []
    assert glances.glance(services, stranger, app.id) is None


def test_what_runs_is_told(services, owner, api, deployer):
    """An app with code has its live release, its formation, and its state in a word."""
    apps.create(services, owner.actor, "hello")
    assert glances.list_glances(services, owner.actor, limit=9).apps[0].standing == "empty"
    deployer.deploy()
    deployer.dyno()
    (found,) = glances.list_glances(services, owner.actor, limit=9).apps
    assert (found.standing, found.quantities) == ("answering", {"web": 1})
    assert found.live is not None
    assert (found.live.version, found.live.by) == (3, owner.actor.email)


def listed(services, actor):
    """The names on each page of two."""
    pages, after = [], None
    while True:
        found = glances.list_glances(services, actor, after=after, limit=2)
        pages.append([each.name for each in found.apps])
        after = found.next
        if after is None:
            return pages


def services_stranger(services):
    """The id of somebody else's account."""
    from kedge.model.account import Account

    with services.database.transaction() as tx:
        account = Account(email="stranger@localhost")
        tx.add(account)
        tx.flush()
        return account.id
