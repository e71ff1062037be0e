"""Databases of an app whose provider is played: what it tells is what the test says."""

from __future__ import annotations

from contextlib import contextmanager

from api.data_provider import DataProvider
from kedge.ops import addon_services, addons


@contextmanager
def databases(shop, service="heroku-postgresql"):
    """(the provider, the shop's add-on of the service), while both are there."""
    provider = DataProvider()
    try:
        for manifest in provider.manifests():
            addon_services.register(shop.services, None, manifest, is_builtin=True)
        made = addons.create(shop.services, shop.owner, shop.name, service)
        shop.go_live()
        yield provider, made
    finally:
        provider.close()


def verified(provider, **more):
    """A backup that was proved by a restore."""
    return provider.transfer(
        "backup", "verified", size_bytes=401_000, source_bytes=9_000_000, tables=3, rows=5700,
        dump_seconds=1.2, restore_seconds=2.5, finished_at="2026-11-21T08:01:00Z", **more,
    )  # fmt: skip
