"""Which scope a request needs, by its rule and method. What is not said here needs `global`."""

from __future__ import annotations

import re

from kedge.plan.scopes import Scope

_READS = ("GET", "HEAD")
_IDENTITY = re.compile(r"/account|/account/rate-limits|/users/<user>")
# Everything about apps and what they are made of; reading it is read, changing it is write.
_OF_APPS = re.compile(
    r"/apps(/.*)?|/teams/apps/.*|/addons(/.*)?|/addon-attachments(/.*)?|/users/<user>/(apps|addons)"
    r"|/kedge/(apps|addons|dynos|inside-runs)/.*|/sources"
    r"|/client/v11/.*|/(postgres|redis)/v0/.*|/kedge/databases/.*"
    r"|/(regions|stacks|dyno-sizes|pipelines|teams|spaces|enterprise-accounts)(/.*)?"
)
_LOOKS = re.compile(r"/actions/.*/resolve|/apps/<app>/log-sessions")  # POST that changes nothing
# What holds config vars, as they are: only protected scopes see them, on Heroku with all releases.
_SECRETS = re.compile(
    r"/apps/<app>/config-vars|/apps/<app>/releases(/.*)?|/kedge/apps/<app>/releases/.*"
    r"|/addons/<addon>/config|/client/v11/.*|/(postgres|redis)/v0/.*|/kedge/databases/.*"
)
# What makes code of whoever asks run with the config vars, or lets somebody else do that.
_POWERS = re.compile(
    r"/apps/<app>/(config-vars|releases|builds|slugs|sources)(/.*)?|/sources"
    r"|/apps/<app>/dynos(/<dyno>)?|/apps/<app>/buildpack-installations"
    r"|/addons/<addon>/config"
)
# What is so whatever the method: data of add-ons, and who else may do something.
_ALWAYS = re.compile(
    r"/(teams/)?apps/<app>/collaborators(/.*)?"
    r"|/client/v11/.*|/(postgres|redis)/v0/.*|/kedge/databases/.*"
)
_SIGNS_IN = "/apps/<app>/addons/<addon>/sso"
_STARTS = ("POST", "PUT", "PATCH")


def needed(rule: str, method: str) -> Scope:
    """The scope a token needs for this."""
    if rule == _SIGNS_IN:
        return Scope.WRITE_PROTECTED
    if method in _READS and _IDENTITY.fullmatch(rule):
        return Scope.IDENTITY
    if _LOOKS.fullmatch(rule):
        return Scope.READ
    if not _OF_APPS.fullmatch(rule):
        return Scope.GLOBAL
    if method in _READS:
        return Scope.READ_PROTECTED if _SECRETS.fullmatch(rule) else Scope.READ
    is_power = _ALWAYS.fullmatch(rule) or (method in _STARTS and _POWERS.fullmatch(rule))
    return Scope.WRITE_PROTECTED if is_power else Scope.WRITE
