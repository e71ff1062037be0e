"""Keeps config values out of what people see: a stream goes in, the same with `[KEY]` comes out.

A value is found also when it is split over several writes, and in the forms it commonly takes:
each line of a value of several lines, base64 at any offset, URL-encoded, escaped as in JSON.
"""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

# Shorter values ("true", "8080") are words of their own: to hide them would garble all output.
SHORTEST_CHARACTERS = 8
# base64 tools break their lines after so many characters.
BASE64_LINE_CHARACTERS = 76


class Scrubber:
    """Replaces config values in a stream of bytes.

    Holds back only an ending that may be the beginning of a value: never more than the longest
    form of a value, and nothing at all where a line ends without one.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        """`values` by config key; those under eight characters are left alone."""
        self._keys = _forms_of_all(values)
        self._by_head: dict[bytes, list[bytes]] = defaultdict(list)
        for form in sorted(self._keys, key=len, reverse=True):
            self._by_head[form[:SHORTEST_CHARACTERS]].append(form)
        self._head = _alternation(self._by_head)
        self._head_parts = {
            head[:size] for head in self._by_head for size in range(1, SHORTEST_CHARACTERS)
        }
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """The next bytes; returns what can be shown by now."""
        if not self._keys:
            return chunk
        return self._scrub(self._held + chunk, more_may_come=True)

    def flush(self) -> bytes:
        """The end of the stream: returns what was held back."""
        return self._scrub(self._held, more_may_come=False)

    def _scrub(self, text: bytes, *, more_may_come: bool) -> bytes:
        shown: list[bytes] = []
        copied = at = 0
        held_from = None
        while held_from is None and (head := self._head.search(text, at)):
            at = head.start()
            form, partial = self._form_at(text, at, head.group())
            if partial and more_may_come:
                held_from = at
            elif form is None:
                at += 1
            else:
                shown += (text[copied:at], b"[%b]" % self._keys[form].encode())
                copied = at = at + len(form)
        if held_from is None:
            held_from = self._tail_at(text, at) if more_may_come else len(text)
        shown.append(text[copied:held_from])
        self._held = text[held_from:]
        return b"".join(shown)

    def _form_at(self, text: bytes, at: int, head: bytes) -> tuple[bytes | None, bool]:
        """The longest form at a place, and whether a longer one may still become complete."""
        left = len(text) - at
        for form in self._by_head[head]:
            if text.startswith(form, at):
                return form, False
            if len(form) > left and form.startswith(text[at:]):
                return self._shorter_form_at(text, at, head, left), True
        return None, False

    def _shorter_form_at(self, text: bytes, at: int, head: bytes, most: int) -> bytes | None:
        """The longest form of at most `most` bytes at a place."""
        forms = (form for form in self._by_head[head] if len(form) <= most)
        return next((form for form in forms if text.startswith(form, at)), None)

    def _tail_at(self, text: bytes, at: int) -> int:
        """Where the beginning of a form's first eight bytes stands at the end; else the end."""
        for size in range(min(SHORTEST_CHARACTERS - 1, len(text) - at), 0, -1):
            if text[-size:] in self._head_parts:
                return len(text) - size
        return len(text)


def _alternation(heads: Mapping[bytes, object]) -> re.Pattern[bytes]:
    """A pattern that finds any of the heads, one branch for each first byte (`re` skips by it)."""
    branches: dict[bytes, list[bytes]] = defaultdict(list)
    for head in heads:
        branches[head[:1]].append(re.escape(head[1:]))
    grouped = (
        re.escape(first) + b"(?:" + b"|".join(rest) + b")" for first, rest in branches.items()
    )
    return re.compile(b"|".join(grouped) or rb"(?!)")


def _forms_of_all(values: Mapping[str, str]) -> dict[bytes, str]:
    """Config key by every form of its value; the first key of two with one value has it."""
    keys: dict[bytes, str] = {}
    for key, value in values.items():
        for form in _forms(value):
            if len(form) >= SHORTEST_CHARACTERS:
                keys.setdefault(form, key)
    return keys


def _forms(value: str) -> Iterator[bytes]:
    """The forms a value is looked for in."""
    core = value.strip()
    # Without line ends around it, no line of the output is held back for the next.
    whole = core if len(core) >= SHORTEST_CHARACTERS else value.strip("\r\n")
    if len(whole) < SHORTEST_CHARACTERS or not core:
        return
    yield _encoded(whole)
    for line in whole.splitlines():
        if len(line.strip()) >= SHORTEST_CHARACTERS:
            yield _encoded(line.strip())
    if "\n" in whole:  # as a terminal writes it
        yield _encoded("\r\n".join(whole.splitlines()))
    yield from _url_forms(_encoded(whole))
    yield json.dumps(whole)[1:-1].encode()
    yield _encoded(json.dumps(whole, ensure_ascii=False)[1:-1])
    for variant in {whole, value}:
        yield from _base64_forms(_encoded(variant))


def _url_forms(plain: bytes) -> Iterator[bytes]:
    for form in (quote(plain, safe=""), quote(plain), quote_plus(plain)):
        yield form.encode()
        yield re.sub("%..", lambda code: code.group().lower(), form).encode()


def _base64_forms(plain: bytes) -> Iterator[bytes]:
    """base64 of a value alone, and what never varies of it within something longer.

    Three bytes make four characters, so a value looks different at each of three offsets.
    """
    for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
        alone = encode(plain)
        yield alone
        yield alone.rstrip(b"=")
        yield from _base64_lines(alone)
        for offset in range(3):
            within = encode(b"\0" * offset + plain).rstrip(b"=")
            # Characters that also carry bits of the neighbours are left out.
            cut = len(within) - (1 if (offset + len(plain)) % 3 else 0)
            core = within[(0, 2, 3)[offset] : cut]
            yield core
            if offset == 0:
                yield from _base64_lines(core)


def _base64_lines(encoded: bytes) -> Iterator[bytes]:
    for at in range(0, len(encoded), BASE64_LINE_CHARACTERS):
        yield encoded[at : at + BASE64_LINE_CHARACTERS]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
