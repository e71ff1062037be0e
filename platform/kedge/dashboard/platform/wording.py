"""How each change of the audit log is said: an icon, and a sentence its details are put into.

An action with two senses has a sentence for each, told apart by its detail `on`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape

from kedge.model.event import Event

KINDS = {
    "app": "Apps", "release": "Releases", "config": "Config vars", "build": "Builds",
    "formation": "Scaling", "dyno": "Dynos", "domain": "Domains", "addon": "Add-ons",
    "backup": "Backups", "database": "Databases", "attachment": "Attachments",
    "collaborator": "Collaborators", "app_transfer": "Transfers",
    "account": "Accounts", "invitation": "Invitations", "session": "Sign-ins",
    "authorization": "Tokens", "addon_service": "Add-on services", "keys": "Keys",
}  # fmt: skip
WORDS = {
    "account.create": "joined, invited by {invited_by}",
    "account.destroy": "removed the account of {email}",
    "account.email": "changed their e-mail to {new}",
    "account.rename": "changed their name",
    "account.owner+": "made {email} an owner of the installation",
    "account.owner-": "made {email} no longer an owner of the installation",
    "account.password": "changed their password",
    "account.recovery_codes": "made new recovery codes",
    "account.suspend+": "suspended {email}",
    "account.suspend-": "let {email} in again",
    "account.two_factor+": "turned two-factor authentication on",
    "account.two_factor-": "turned two-factor authentication off",
    "addon.alert": "raised an alert of {addon}: {message}",
    "addon.change_plan": "moved {addon} to {plan}",
    "addon.create": "added {addon} of {plan}",
    "addon.destroy": "destroyed {addon}",
    "addon.rename": "renamed the add-on {old} to {new}",
    "addon.restore": "brought {addon} back",
    "addon_service.register": "registered the add-on service {service}",
    "addon_service.retire": "retired the add-on service {service}",
    "app.create": "created the app",
    "app.destroy": "deleted the app",
    "app.maintenance+": "began maintenance mode",
    "app.maintenance-": "ended maintenance mode",
    "app.rename": "renamed the app from {old} to {new}",
    "app_transfer.accepted": "accepted the app of {owner}",
    "app_transfer.create": "offered the app to {recipient}",
    "app_transfer.declined": "declined the app of {owner}",
    "app_transfer.destroy": "withdrew the offer of the app",
    "attachment.create": "attached {addon} as {attachment}",
    "attachment.destroy": "detached {addon} as {attachment}",
    "authorization.create": "made the token {description}",
    "authorization.destroy": "revoked the token {description}",
    "authorization.regenerate": "renewed the token {description}",
    "backup.cancel": "canceled {number} of {addon}",
    "backup.capture": "began backup {number} of {addon}",
    "backup.copy": "began to copy {source} to {addon}, as {number}",
    "backup.delete": "deleted backup {number} of {addon}",
    "backup.download": "made a download address for backup {number} of {addon}",
    "backup.restore": "began restore {number} of {addon}",
    "backup.schedule": "had {addon} backed up daily at {hour} {timezone}",
    "backup.unschedule": "stopped daily backups of {addon}",
    "build.cancel": "cancelled a build",
    "build.create": "began a build of {version}",
    "build_cache.destroy": "had the build cache forgotten",
    "buildpacks.update": "set the buildpacks to {buildpacks}",
    "collaborator.create": "let {email} work on the app: {permissions}",
    "collaborator.destroy": "removed {email} from the app",
    "collaborator.update": "changed what {email} may do: {permissions}",
    "config.change": "changed {keys} in v{version}",
    "config.reveal": "looked at {keys}",
    "database.change_settings": "changed settings of {addon}",
    "database.end_connections": "ended all connections of {addon}",
    "database.forget_statistics": "had statistics of {addon} counted anew",
    "database.reset": "emptied {addon}",
    "database.rotate": "rotated the credentials of {addon}",
    "database.stop_process": "stopped a query of {addon}",
    "domain.create": "added the domain {hostname}",
    "domain.destroy": "removed the domain {hostname}",
    "dyno.restart": "restarted {dyno}",
    "dyno.run": "ran a one-off dyno, {dyno}",
    "dyno.run_inside": "ran a command inside {dyno}",
    "dyno.stop": "stopped {dyno}{type}",
    "formation.restart": "restarted the dynos {type}",
    "formation.update": "scaled to {formation}",
    "invitation.create": "invited {email}",
    "invitation.destroy": "withdrew the invitation of {email}",
    "keys.rotate": "rotated the key secrets are kept under",
    "release.create": "released v{version}",
    "release.rollback": "rolled back to v{to} as v{version}",
    "session.create": "signed in from {address}",
    "session.destroy": "ended a session",
    "sign_in_link.create": "made a link to sign in by",
    "slug.create": "announced a slug",
}
ICONS = {
    "account": "person", "backup": "archive", "database": "database", "addon": "puzzle",
    "addon_service": "shop", "app": "box",
    "app_transfer": "arrow-left-right", "attachment": "link-45deg", "authorization": "key",
    "build": "hammer", "build_cache": "hammer", "buildpacks": "hammer", "collaborator": "people",
    "config": "sliders", "domain": "globe", "dyno": "cpu", "formation": "sliders2",
    "invitation": "envelope", "keys": "shield-lock", "release": "rocket-takeoff",
    "session": "box-arrow-in-right", "sign_in_link": "box-arrow-in-right", "slug": "box-seam",
}  # fmt: skip
SHOWN_LIMIT = 200
COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Said:
    """A change as a person reads it."""

    icon: str
    words: Markup


def said(event: Event) -> Said:
    """How an event is said. One nobody thought of is said as it is."""
    words = sentence(event.action, event.details)
    icon = ICONS.get(event.action.partition(".")[0], "dot")
    if words is None:
        return Said(icon, Markup("<code>{}</code>").format(event.action))
    return Said(icon, _filled(words, event.details))


def sentence(action: str, details: Mapping[str, object]) -> str | None:
    """The sentence of an action."""
    sense = "+" if details.get("on", True) else "-"
    return WORDS.get(action) or WORDS.get(action + sense)


def _filled(words: str, details: Mapping[str, object]) -> Markup:
    parts = [
        escape(text) + (Markup("") if name is None else _value(details.get(name)))
        for text, name, _, _ in string.Formatter().parse(words)
    ]
    return Markup("").join(parts)


def _value(value: object) -> Markup:
    if value is None:
        return Markup("")
    listed = value.items() if isinstance(value, dict) else value
    many = isinstance(listed, list | tuple) or isinstance(value, dict)
    text = ", ".join(map(_one, listed)) if many else _one(value)  # type: ignore[call-overload]
    cut = text if len(text) <= SHOWN_LIMIT else text[:SHOWN_LIMIT] + "…"
    return Markup("<b>{}</b>").format(cut or "none")


def _one(value: object) -> str:
    text = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text[:8] if COMMIT.fullmatch(text) else text
