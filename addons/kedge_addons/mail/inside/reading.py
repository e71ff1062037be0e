"""A letter taken apart. Whatever was sent gives something to look at: nothing here raises.

Python's parser is made for letters that follow the rules and fails on others in many ways, with
errors of all kinds (https://docs.python.org/3/library/email.html); so what cannot be taken apart
is shown as it came.
"""

from __future__ import annotations

import base64
import email.parser
import email.policy
import html.parser
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart
from typing import Any, cast

SEARCHED_CHARACTERS = 20_000
SUBJECT_CHARACTERS = 400
SHOWN_CHARACTERS = 1_000_000
PARTS = 200
EDGES = 5000  # lines that may begin a part
HEADERS = 300
HEADERS_BYTES = 2**20
HEADER_CHARACTERS = 4_000
INLINE_BYTES = 4 * 2**20
IMAGE = re.compile(r"image/(?:png|jpeg|gif|webp|bmp|x-icon|svg\+xml)")
MENTIONED = re.compile(r"cid:([^\s\"'<>)]{1,300})")
REMOTE = re.compile(
    r"""<(?:img|link|iframe|video|audio|source|input)\b[^>]*(?:src|href|poster)\s*=\s*["']?\s*(?:https?:)?//"""
    r"""|url\(\s*["']?\s*(?:https?:)?//""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list of letters shows and searches."""

    subject: str
    words: str
    attachments: int


def summary(raw: bytes) -> Summary:
    """A letter in short; of one nobody can read, what there is."""
    try:
        parsed = _parsed(raw)
        subject = " ".join(str(parsed.get("Subject") or "").split())
        words = f"{parsed.get('From') or ''} {parsed.get('To') or ''} {_words(parsed)}"
        count = sum(1 for part in _parts(parsed) if part["is_attachment"])
        return Summary(_text(subject[:SUBJECT_CHARACTERS]), _text(words), count)
    except Exception:  # noqa: BLE001 - see above
        return Summary("", raw[:SEARCHED_CHARACTERS].decode("latin-1"), 0)


def shown(raw: bytes) -> dict[str, Any]:
    """A letter to look at: `headers`, `text`, `html` (each None where there is none), `parts`.

    `parts` are numbered; each has `name`, `type`, `size`, `is_attachment`. `problem`: why it could
    not be taken apart.
    """
    try:
        parsed = _parsed(raw)
        page, text, parts = _body(parsed, "html"), _body(parsed, "plain"), _parts(parsed)
        if page is None and text is None and not parts:
            text = _beginning(raw)
        return {
            "headers": _headers(parsed), "text": text,
            "html": None if page is None else _with_images(parsed, page),
            "loads_remote": page is not None and REMOTE.search(page) is not None,
            "parts": parts, "problem": None,
        }  # fmt: skip
    except Exception as error:  # noqa: BLE001 - see above
        problem = f"This letter is broken and cannot be taken apart ({type(error).__name__})."
        return {
            "headers": [], "text": _beginning(raw), "html": None, "loads_remote": False,
            "parts": [], "problem": problem,
        }  # fmt: skip


def part(raw: bytes, number: int) -> bytes | None:
    """What is in a part of a letter, decoded; None when there is none of that number."""
    try:
        for place, each in enumerate(_leaves(_parsed(raw))):
            if place == number:
                return _content(each)
    except Exception:  # noqa: BLE001 - see above
        return None
    return None


def _beginning(raw: bytes) -> str:
    return _text(raw[:SHOWN_CHARACTERS].decode("utf-8", "replace"))


class _Short(email.policy.EmailPolicy):
    """Headers are read up to a length: what reads them takes the square of it."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        return super().header_fetch_parse(name, value[:HEADER_CHARACTERS])


def _parsed(raw: bytes) -> EmailMessage:
    """The parts of a letter. Raises ValueError: it would take too long."""
    if raw.count(b"\n--") > EDGES or len(raw.partition(b"\r\n\r\n")[0]) > HEADERS_BYTES:
        raise ValueError("too many parts or headers")
    made: Any = email.parser.BytesParser(policy=_Short()).parsebytes(raw)
    return cast("EmailMessage", made)  # the class this policy makes


def _leaves(parsed: EmailMessage) -> Iterator[EmailMessage]:
    for number, each in enumerate(parsed.walk()):
        if number >= PARTS:
            return
        if not each.is_multipart():
            yield each


def _parts(parsed: EmailMessage) -> list[dict[str, Any]]:
    body = {id(each) for each in (parsed.get_body(("plain",)), parsed.get_body(("html",)))}
    return [
        {
            "number": number, "name": _text(_name(each, number)), "type": _text(_type(each)),
            "size": len(_content(each)),
            "is_attachment": id(each) not in body and not each.get("Content-ID"),
        }
        for number, each in enumerate(_leaves(parsed))
    ]  # fmt: skip


def _name(each: EmailMessage, number: int) -> str:
    given = str(each.get_filename() or "").replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in given if letter.isprintable())
    return kept.strip(" .")[:150] or f"part-{number}"


def _type(each: EmailMessage) -> str:
    return str(each.get_content_type())[:100]


def _content(each: MIMEPart) -> bytes:
    found = each.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _body(parsed: EmailMessage, kind: str) -> str | None:
    found = parsed.get_body((kind,))
    if found is None:
        return None
    content = _content(found)
    charset = str(found.get_content_charset() or "utf-8")
    try:
        text = content.decode(charset, "replace")
    except (LookupError, ValueError):  # a charset nobody knows
        text = content.decode("utf-8", "replace")
    return _text(text[:SHOWN_CHARACTERS])


def _headers(parsed: EmailMessage) -> list[list[str]]:
    listed = list(parsed.raw_items())[:HEADERS]
    return [[_text(name[:200]), _text(_header(parsed, name, raw))] for name, raw in listed]


def _header(parsed: EmailMessage, name: str, raw: str) -> str:
    """A header in readable words; as it came, where its own rules are broken."""
    try:
        value = str(parsed.policy.header_fetch_parse(name, raw))
    except Exception:  # noqa: BLE001 - see above
        value = str(raw)
    return " ".join(value.split())[:HEADER_CHARACTERS]


def _with_images(parsed: EmailMessage, page: str) -> str:
    """A page with the images that came with it in it: it is looked at where nothing is loaded."""
    left, known = INLINE_BYTES, {}
    wanted = set(MENTIONED.findall(page))
    for each in _leaves(parsed):
        named = str(each.get("Content-ID") or "").strip().strip("<>")
        content = _content(each)
        if named in wanted and IMAGE.fullmatch(_type(each)) and len(content) <= left:
            left -= len(content)
            known[named] = f"data:{_type(each)};base64,{base64.b64encode(content).decode()}"
    return MENTIONED.sub(lambda found: known.get(found[1], found[0]), page)


class _Words(html.parser.HTMLParser):
    """What is to be read in a page, for searching."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._is_code = False

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self._is_code = tag in {"style", "script"}

    def handle_endtag(self, _tag: str) -> None:
        self._is_code = False

    def handle_data(self, data: str) -> None:
        if not self._is_code:
            self.found.append(data)


def _words(parsed: EmailMessage) -> str:
    text = _body(parsed, "plain")
    if text is None:
        reader = _Words()
        reader.feed((_body(parsed, "html") or "")[: SEARCHED_CHARACTERS * 5])
        text = " ".join(reader.found)
    return text[:SEARCHED_CHARACTERS]


def _text(text: str) -> str:
    """Text that may be written as UTF-8: letters smuggle halves of characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
