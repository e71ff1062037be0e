"""Manifests of add-on services, in Heroku's form, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from kedge.errors import InvalidParams
from kedge.model.config import KEY
from kedge.plan.addons import ATTACHMENT

SERVICE = re.compile(r"[a-z][a-z0-9-]{1,58}[a-z0-9]")
PLAN = re.compile(r"[a-z0-9][a-z0-9-]{0,58}")
ICON = re.compile(r"[a-z0-9-]{1,60}")
_UNIT = re.compile(r"[a-z]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestPlan:
    """A plan as a manifest names it."""

    name: str
    human_name: str
    description: str
    price_cents: int
    price_unit: str
    is_default: bool
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest, checked. `prefix`: what its config vars begin with."""

    id: str
    human_name: str
    description: str
    docs_url: str | None
    icon: str | None
    base_url: str
    sso_url: str | None
    password: str = field(repr=False)
    sso_salt: str = field(repr=False)
    config_vars: tuple[str, ...]
    prefix: str
    primary_name: str
    capabilities: tuple[str, ...]
    plans: tuple[ManifestPlan, ...]


def read_manifest(written: Mapping[str, Any]) -> Manifest:
    """A manifest in Heroku's form (https://devcenter.heroku.com/articles/add-on-manifest), checked.

    Beyond Heroku's it may have `name`, `description`, `docs_url`, `icon`, `primary`,
    `capabilities` and `plans`; without plans there is one called `test`.

    Raises:
        InvalidParams: what is missing or wrong, by name.
    """
    api = _mapping(written, "api")
    if str(api.get("version", "3")) != "3":
        raise InvalidParams('api.version must be "3": other versions are not spoken any more.')
    name = _text(written, "id", SERVICE, "lowercase letters, digits and dashes")
    prefix = _text(api, "config_vars_prefix", KEY, "letters, digits and _",
                   default=name.upper().replace("-", "_"))  # fmt: skip
    production = _mapping(api, "production")
    return Manifest(
        id=name,
        human_name=_words(written, "name", name, 100),
        description=_words(written, "description", "", 1000),
        docs_url=_url(written, "docs_url"),
        icon=_text(written, "icon", ICON, "the name of an icon", default="") or None,
        base_url=_base_url(production),
        sso_url=_url(production, "sso_url"),
        password=_secret(api, "password"),
        sso_salt=_secret(api, "sso_salt"),
        config_vars=_config_vars(api, prefix),
        prefix=prefix,
        primary_name=_text(written, "primary", ATTACHMENT, "capitals, digits and _",
                           default=prefix),
        capabilities=tuple(str(each)[:60] for each in written.get("capabilities") or ()),
        plans=_plans(written),
    )  # fmt: skip


def check_url(url: str, name: str) -> str:
    """The URL, when a browser may be sent there. Raises InvalidParams: `javascript:` and others."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or len(url) > 500:
        raise InvalidParams(f"{name} must be an http or https address.")
    if any(ord(letter) <= 32 for letter in url):
        raise InvalidParams(f"{name} must hold no blanks or control characters.")
    return url


def _mapping(written: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = written.get(name)
    if not isinstance(value, Mapping):
        raise InvalidParams(f"The manifest needs an object called {name}.")
    return value


def _text(
    written: Mapping[str, Any], name: str, rule: re.Pattern[str], words: str,
    default: str | None = None,
) -> str:  # fmt: skip
    value = written.get(name, default)
    if value == default and default is not None:
        return default
    if not isinstance(value, str) or not rule.fullmatch(value):
        raise InvalidParams(f"The manifest's {name} must be {words}.")
    return value


def _words(written: Mapping[str, Any], name: str, default: str, limit: int) -> str:
    value = written.get(name, default)
    if not isinstance(value, str) or len(value) > limit or "\0" in value:
        raise InvalidParams(f"The manifest's {name} must be text of up to {limit} characters.")
    return value


def _secret(api: Mapping[str, Any], name: str) -> str:
    value = api.get(name)
    if not isinstance(value, str) or not 8 <= len(value) <= 500:
        raise InvalidParams(f"The manifest's api.{name} must be a secret of 8 characters or more.")
    return value


def _url(written: Mapping[str, Any], name: str) -> str | None:
    value = written.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidParams(f"The manifest's {name} must be an address.")
    return check_url(value, f"The manifest's {name}")


def _base_url(production: Mapping[str, Any]) -> str:
    found = _url(production, "base_url")
    if found is None:
        raise InvalidParams("The manifest needs api.production.base_url.")
    return found.rstrip("/")


def _config_vars(api: Mapping[str, Any], prefix: str) -> tuple[str, ...]:
    keys = api.get("config_vars")
    if not isinstance(keys, Sequence) or isinstance(keys, str) or len(keys) > 50:
        raise InvalidParams("The manifest needs api.config_vars: a list of names.")
    for key in keys:
        if not isinstance(key, str) or not KEY.fullmatch(key) or len(key) > 100:
            raise InvalidParams("The manifest's config_vars must be names of config vars.")
        if key != prefix and not key.startswith(f"{prefix}_"):
            raise InvalidParams(
                f"The manifest's config var {key} must begin with {prefix}_, or name another "
                "config_vars_prefix."
            )
    return tuple(keys)


def _plans(written: Mapping[str, Any]) -> tuple[ManifestPlan, ...]:
    listed = written.get("plans")
    if listed is None:
        listed = [{"name": "test", "human_name": "Test", "default": True}]
    if not isinstance(listed, list) or not 1 <= len(listed) <= 100:
        raise InvalidParams("The manifest's plans must be a list of plans.")
    plans = tuple(_plan(each) for each in listed)
    if len({plan.name for plan in plans}) != len(plans):
        raise InvalidParams("Two of the manifest's plans have one name.")
    return plans


def _plan(written: object) -> ManifestPlan:
    if not isinstance(written, Mapping):
        raise InvalidParams("Each plan of the manifest must be an object.")
    name = _text(written, "name", PLAN, "lowercase letters, digits and dashes")
    price = written.get("price") or {}
    cents, unit = (price.get("cents", 0), price.get("unit", "month")) if isinstance(
        price, Mapping
    ) else (None, None)  # fmt: skip
    if isinstance(cents, bool) or not isinstance(cents, int) or not 0 <= cents < 2**40:
        raise InvalidParams(f"The price of plan {name} must be whole cents.")
    if not isinstance(unit, str) or not _UNIT.fullmatch(unit):
        raise InvalidParams(f"The price of plan {name} must be per month, or another unit.")
    attributes = written.get("attributes") or {}
    if not isinstance(attributes, Mapping) or len(attributes) > 30:
        raise InvalidParams(f"The attributes of plan {name} must be an object.")
    return ManifestPlan(
        name=name,
        human_name=_words(written, "human_name", name, 100),
        description=_words(written, "description", "", 1000),
        price_cents=cents,
        price_unit=unit,
        is_default=written.get("default") is True,
        attributes={str(key)[:60]: str(value)[:200] for key, value in attributes.items()},
    )
