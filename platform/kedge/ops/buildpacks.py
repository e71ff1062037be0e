"""The buildpacks an app is built with, in their order; none set means they are detected."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kedge.errors import InvalidParams
from kedge.ops.authorize import Action, Actor, find_app, record
from kedge.ops.services import Services

BUILTIN = ("python", "nodejs", "static", "procfile")
LIMIT = 100
_URL = re.compile(r"(https?|git)://\S+|urn:buildpack:\S+")


def installed(services: Services, actor: Actor, app_identity: str) -> list[str]:
    """The app's buildpacks, as they were named."""
    with services.database.transaction() as tx:
        return list(find_app(tx, actor, app_identity, Action.VIEW).buildpacks)


def install(
    services: Services, actor: Actor, app_identity: str, names: Sequence[object]
) -> list[str]:
    """Set the app's buildpacks; they take effect with the next build.

    Raises:
        InvalidParams: an unknown name, or too many.
    """
    checked = [check(name) for name in names]
    if len(checked) > LIMIT:
        raise InvalidParams(f"An app may have up to {LIMIT} buildpacks.")
    with services.database.transaction() as tx:
        app = find_app(tx, actor, app_identity, Action.OPERATE, lock=True)
        app.buildpacks = checked
        record(tx, actor, "buildpacks.update", app, buildpacks=checked)
        return checked


def check(name: object) -> str:
    """The buildpack's name (`heroku/python` is `python`), or the URL as it is."""
    if isinstance(name, str) and name.removeprefix("heroku/") in BUILTIN:
        return name.removeprefix("heroku/")
    if isinstance(name, str) and _URL.fullmatch(name):
        raise InvalidParams(
            f"Third-party buildpacks such as {name[:200]} cannot be run yet. "
            f"There are: {', '.join(BUILTIN)}."
        )
    raise InvalidParams(f"There is no buildpack {name!r}. There are: {', '.join(BUILTIN)}.")
