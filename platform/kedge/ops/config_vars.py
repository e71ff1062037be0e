"""Config vars: read from the newest release, changed by making a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kedge.errors import Conflict, InvalidParams, NotFound
from kedge.model.config import Config, change, describe_change
from kedge.model.release import Change, Release
from kedge.ops import releases
from kedge.ops.attached import keys_of
from kedge.ops.authorize import Action, Actor, find_app, record
from kedge.ops.services import Services
from kedge.ops.snapshots import seal, unseal


def read(services: Services, actor: Actor, app_identity: str) -> Config:
    """The app's config vars."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.DEPLOY)
        return unseal(services, releases.newest(tx, app).config)


def read_release(services: Services, actor: Actor, app_identity: str, version: str) -> Config:
    """The config vars a release holds."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.DEPLOY)
        return unseal(services, releases.find(tx, app, version).config)


@dataclass(frozen=True, slots=True)
class Keys:
    """The names of an app's config vars, and the release that has them.

    `attached` are those that come with an add-on, each with the add-on's name.
    """

    version: int
    names: tuple[str, ...]
    attached: Mapping[str, str]


def keys(services: Services, actor: Actor, app_identity: str) -> Keys:
    """The names of the app's config vars, in their order, without any value."""
    with services.database.transaction() as tx:
        newest = releases.newest(tx, find_app(tx, actor, app_identity, Action.DEPLOY))
        attached = {key: each["addon"] for each in newest.addons for key in each["config_vars"]}
        names = tuple(sorted(unseal(services, newest.config)))
        return Keys(newest.version, names, attached)


def edit(services: Services, actor: Actor, app_identity: str) -> tuple[Config, int]:
    """The config vars a person may change, and the release that has them. It is noted.

    Those of add-ons are not among them.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.DEPLOY)
        newest = releases.newest(tx, app)
        config = _own(services, newest)
        record(tx, actor, "config.reveal", app, keys=sorted(config))
        return config, newest.version


def read_own(services: Services, actor: Actor, app_identity: str, version: int) -> Config:
    """The config vars of a release, without those of add-ons. Raises NotFound."""
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.DEPLOY)
        return _own(services, releases.find(tx, app, str(version)))


def reveal(services: Services, actor: Actor, app_identity: str, key: str) -> str:
    """The value of one config var, for a person to read. That they did is noted.

    Raises:
        NotFound: the app has none of that name.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.DEPLOY)
        value = unseal(services, releases.newest(tx, app).config).get(key)
        if value is None:
            raise NotFound.of("config_var", f"{app.name} has no config var of that name any more.")
        record(tx, actor, "config.reveal", app, keys=[key])
        return value


def update(
    services: Services,
    actor: Actor,
    app_identity: str,
    changes: Mapping[str, object],
    *,
    made_from: int | None = None,
) -> tuple[Config, Release | None]:
    """Set (or with None remove) config vars; the config after, and the release this made, if any.

    `made_from` is the release whose config vars whoever made the changes had before them.

    Raises:
        InvalidParams: a key or value may not be, or all together are too large.
        Conflict: one of them was changed since the release the changes were made from.
    """
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.DEPLOY, lock=True)
        newest = releases.newest(tx, app)
        before = unseal(services, newest.config)
        _check_free(changes, before, keys_of(newest.addons))
        if made_from is not None:
            seen = unseal(services, releases.find(tx, app, str(made_from)).config)
            _check_unchanged(seen, before, changes)
        after = change(before, changes)
        description = describe_change(before, after)
        if description is None:
            return after, None
        release = releases.append(
            services,
            tx,
            actor,
            app,
            Change.CONFIG,
            description,
            config=seal(services, tx, app, after),
        )
        record(tx, actor, "config.change", app, keys=sorted(changes), version=release.version)
        return after, release


def _check_free(changes: Mapping[str, object], before: Config, held: set[str]) -> None:
    """Raises InvalidParams when a change is to what an add-on's attachment holds."""
    for key in sorted(held & changes.keys()):
        if changes[key] != before.get(key):
            raise InvalidParams(
                f"Cannot overwrite attachment values {key}. Detach the add-on, or attach it under "
                "another name: `kedge addons:attach --as`."
            )


def _own(services: Services, release: Release) -> Config:
    held = keys_of(release.addons)
    return {k: v for k, v in unseal(services, release.config).items() if k not in held}


def _check_unchanged(seen: Config, before: Config, changes: Mapping[str, object]) -> None:
    differing = [key for key in changes if seen.get(key) != before.get(key)]
    if differing:
        raise Conflict(
            f"Somebody else has changed {', '.join(differing)} since you began, so nothing was "
            "set. Look at what is there now, and make your change again."
        )
