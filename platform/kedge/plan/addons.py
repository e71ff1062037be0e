"""Add-ons, decided without I/O: names, config vars of attachments, when to try again."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import timedelta

from kedge.errors import InvalidParams

# As Heroku names the second and further add-ons of a service on an app.
COLORS = (
    "amber", "aqua", "black", "blue", "bronze", "brown", "charcoal", "copper", "crimson", "cyan",
    "gold", "gray", "green", "ivory", "jade", "mauve", "navy", "olive", "orange", "pink", "purple",
    "red", "rose", "silver", "teal", "white", "yellow",
)  # fmt: skip
# What it draws the names of add-ons from, as Heroku's are.
WORDS = (
    "acute", "animated", "asymmetrical", "clear", "colorful", "concave", "contoured", "convex",
    "crystalline", "cubed", "curved", "cylindrical", "deep", "elliptical", "fitted", "flat",
    "flexible", "globular", "graceful", "horizontal", "infinite", "lively", "metric", "octagonal",
    "opaque", "parallel", "perpendicular", "polished", "rigid", "rugged", "shaped", "silhouetted",
    "solid", "spherical", "sturdy", "symmetrical", "tapered", "triangular", "vertical", "wavy",
)  # fmt: skip
ATTACHMENT = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
ADDON = re.compile(r"[a-z][a-z0-9-]{1,78}[a-z0-9]")
GIVES_UP = timedelta(hours=12)
RESTS = timedelta(days=7)
# How long it is known what became of one that is gone.
REMEMBERED = timedelta(days=30)


def addon_name(service: str, words: str, number: int) -> str:
    """As Heroku generates them: `postgresql-clear-12345` for `heroku-postgresql`."""
    return f"{service.removeprefix('heroku-')}-{words}-{number:05}"


def check_addon_name(name: str) -> str:
    """The name, when an add-on may be called so. Raises InvalidParams."""
    if not ADDON.fullmatch(name):
        raise InvalidParams(
            "An add-on's name has 3 to 80 lowercase letters, digits and dashes, and begins with a "
            "letter."
        )
    return name


def check_attachment_name(name: str) -> str:
    """An attachment's name in capitals, as its config vars begin. Raises InvalidParams."""
    written = name.upper().replace("-", "_")
    if not ATTACHMENT.fullmatch(written):
        raise InvalidParams(
            "An attachment's name has letters, digits and _, and begins with a letter: it is what "
            "its config vars begin with."
        )
    return written


def attachment_name(
    prefix: str, primary: str, taken: Collection[str], keys: Collection[str]
) -> str:
    """The name of an attachment nobody named: the primary one, else one with a colour.

    Args:
        prefix: of the service's config vars.
        primary: what the first one is called, `DATABASE`.
        taken: names of attachments there are on the app.
        keys: its config vars, which no attachment may hide.
    """  # fmt: skip
    candidates = [primary, *(f"{prefix}_{color.upper()}" for color in COLORS)]
    candidates += [f"{prefix}_{color.upper()}_{n}" for n in range(2, 100) for color in COLORS]
    for name in candidates:
        if name not in taken and f"{name}_URL" not in keys:
            return name
    raise InvalidParams("This app has too many add-ons of this service. Name the attachment.")


def vars_of(prefix: str, attachment: str, config: Mapping[str, str]) -> dict[str, str]:
    """An attachment's config vars: the provider's, with the attachment's name for the prefix.

    `NOTES_URL` is `PRIMARY_URL` where it is attached as PRIMARY; `NOTES` itself is `PRIMARY`.
    """
    renamed: dict[str, str] = {}
    for key, value in config.items():
        rest = key.removeprefix(prefix) if key.startswith(prefix) else f"_{key}"
        renamed[f"{attachment}{rest}"] = value
    return renamed


def check_config(config: object, declared: Collection[str]) -> dict[str, str]:
    """What a provider gave as config, when it is what its manifest declares.

    Raises:
        InvalidParams: not an object of texts, or a key its manifest does not name.
    """
    if not isinstance(config, Mapping):
        raise InvalidParams("The provider's config is not an object.")
    for key, value in config.items():
        if key not in declared:
            shown = str(key)[:60].encode("ascii", "backslashreplace").decode()
            raise InvalidParams(f"The provider set {shown}, which its manifest does not declare.")
        if not isinstance(value, str) or not _can_be_kept(value):
            raise InvalidParams(f"The provider's value of {key} is not a text that can be kept.")
    return dict(config)


def _can_be_kept(value: str) -> bool:
    """Half of a pair of surrogates, which JSON can hold, is no text."""
    is_text = value.isascii() or value.encode("utf-8", "replace").decode() == value
    return is_text and "\0" not in value and len(value) <= 16_384


def rest_before_retry(attempts: int) -> timedelta:
    """How long to wait after so many attempts that failed: from two seconds to ten minutes."""
    return min(timedelta(seconds=2 * 2 ** min(attempts, 12)), timedelta(minutes=10))
