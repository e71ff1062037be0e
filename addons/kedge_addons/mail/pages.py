"""The pages of mail: the letters, one letter in its views, and how to have an app send some."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Redirect

from kedge_addons.context import called, lifecycle, rotated
from kedge_addons.errors import Unknown
from kedge_addons.mail import container
from kedge_addons.mail.inbox import Inbox
from kedge_addons.mail.offer import OFFER
from kedge_addons.resource import Resource
from kedge_addons.site.page import go, pages, show

VIEWS = {"html": "HTML", "text": "Text", "headers": "Headers", "raw": "Raw"}
NUMBER = "int(max=9007199254740991):number"
RAW_BYTES = 200_000
DOCTYPE = re.compile(r"\s*<!doctype[^>]{0,300}>", re.IGNORECASE)
# Links open beside the letter; that is all a letter may do.
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
LETTER_POLICY = (
    f"sandbox {SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
FILE_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"


def blueprint() -> Blueprint:
    """The pages of mail."""
    views: dict[str, Callable[..., Any]] = {
        "GET /": letters,
        "GET /use": use,
        "POST /rotate": rotate,
        "GET /clear": ask_clear,
        "POST /clear": clear,
        "GET /letters/<NUMBER>": letter,
        "GET /letters/<NUMBER>/page": frame,
        "GET /letters/<NUMBER>/raw": download,
        "GET /letters/<NUMBER>/parts/<int:part>": attachment,
        "POST /letters/<NUMBER>/delete": delete,
    }
    return pages("mail", {path.replace("NUMBER", NUMBER): view for path, view in views.items()})


def letters(resource_id: uuid.UUID) -> Response:
    """The letters, the newest first; those that have all words of `q`."""
    resource = called(OFFER.name, resource_id)
    search, before = request.args.get("q", "").strip(), request.args.get("before", type=int)
    return show(
        "mail/letters.html", resource, OFFER, search=search, before=before, tab="letters",
        **_inbox(resource).page(search, before), when=_when,
    )  # fmt: skip


def use(resource_id: uuid.UUID) -> Response:
    """How an app sends here."""
    resource = called(OFFER.name, resource_id)
    return show("mail/use.html", resource, OFFER, tab="use", port=container.PORT,
                was_rotated="rotated" in request.args)  # fmt: skip


def rotate(resource_id: uuid.UUID) -> Redirect:
    """Have another password."""
    return go(rotated(OFFER.name, resource_id), "use?rotated")


def letter(resource_id: uuid.UUID, number: int) -> Response:
    """One letter, in one of its views."""
    resource = called(OFFER.name, resource_id)
    inbox = _inbox(resource)
    found = inbox.show(number)
    asked = request.args.get("view", "")
    first = "html" if found["html"] is not None else "text"
    view = asked if asked in VIEWS and (asked != "html" or found["html"] is not None) else first
    return show(
        "mail/letter.html", resource, OFFER, letter=found, header=_headers(found), view=view,
        views={key: words for key, words in VIEWS.items() if key != "html" or first == "html"},
        raw=_beginning(inbox.raw(number)) if view == "raw" else None, when=_when, sandbox=SANDBOX,
        tab="letters",
    )  # fmt: skip


def frame(resource_id: uuid.UUID, number: int) -> Response:
    """The page that is in a letter, where it can do nothing: shown in a frame of the letter's."""
    found = _inbox(called(OFFER.name, resource_id)).show(number)["html"]
    if found is None:
        raise Unknown("There is no page in this letter.")
    begin = DOCTYPE.match(found)
    place = begin.end() if begin else 0
    opens_beside = '<base target="_blank">'
    response = Response(found[:place] + opens_beside + found[place:], mimetype="text/html")
    response.headers["Content-Security-Policy"] = LETTER_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def download(resource_id: uuid.UUID, number: int) -> Response:
    """A letter as it came."""
    raw = _inbox(called(OFFER.name, resource_id)).raw(number)
    return _file(raw, f"letter-{number}.eml")


def attachment(resource_id: uuid.UUID, number: int, part: int) -> Response:
    """A part of a letter, never shown by the browser: it is somebody else's."""
    inbox = _inbox(called(OFFER.name, resource_id))
    names = {each["number"]: each["name"] for each in inbox.show(number)["parts"]}
    if part not in names:
        raise Unknown("There is no such part in this letter.")
    return _file(inbox.part(number, part), names[part])


def delete(resource_id: uuid.UUID, number: int) -> Redirect:
    """Delete a letter."""
    resource = called(OFFER.name, resource_id)
    _inbox(resource).delete(number)
    return go(resource)


def ask_clear(resource_id: uuid.UUID) -> Response:
    """Ask once more."""
    resource = called(OFFER.name, resource_id)
    found = _inbox(resource).page()
    newest = found["letters"][0]["id"] if found["letters"] else 0
    return show("mail/clear.html", resource, OFFER, usage=found["usage"], tab="letters",
                until=newest)  # fmt: skip


def clear(resource_id: uuid.UUID) -> Redirect:
    """Delete all letters there were when it was asked."""
    resource = called(OFFER.name, resource_id)
    _inbox(resource).clear(request.form.get("until", 0, type=int))
    return go(resource)


def _inbox(resource: Resource) -> Inbox:
    return Inbox(lifecycle().tools.instances, resource)


def _file(content: Iterable[bytes], name: str) -> Response:
    response = Response(content, content_type="application/octet-stream")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


def _beginning(raw: Iterable[bytes]) -> dict[str, Any]:
    """As much of a letter as a page shows."""
    kept = bytearray()
    for piece in raw:
        kept += piece[: RAW_BYTES + 1 - len(kept)]
    text = bytes(kept[:RAW_BYTES]).decode("utf-8", "replace")
    return {"text": text, "is_cut": len(kept) > RAW_BYTES}


def _headers(found: Mapping[str, Any]) -> dict[str, str]:
    """The first of each header, by its name in small letters."""
    return {name.lower(): value for name, value in reversed(found["headers"])}


def _when(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
