"""What programs print for a terminal, as HTML lines: coloured, and nothing of it is markup.

Understood are colours and weights (SGR), and carriage returns that write a line anew. All other
control sequences are dropped. State goes from line to line, as in a terminal.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field

from markupsafe import escape

NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
LINE_LIMIT = 16 * 1024
# CSI sequences, OSC ones (titles, links) up to their end, and two-character ones: ECMA-48 5.4, 8.3.
_ESCAPE = re.compile(
    r"\x1b\[([0-9;:?]*)[ -/]*([@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[PX^_].*?\x1b\\"
    r"|\x1b[ -/]*[0-~]"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;:?]*[ -/]*|\][^\x07\x1b]*\x1b?|[ -/]*)?$")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Style:
    """How text looks from here on."""

    colour: str = ""
    is_bold: bool = False
    is_dim: bool = False

    @property
    def classes(self) -> str:
        """CSS classes; empty for plain text."""
        words = [f"t-{self.colour}" if self.colour else ""]
        words += ["t-bold" if self.is_bold else "", "t-dim" if self.is_dim else ""]
        return " ".join(filter(None, words))


PLAIN = Style()


@dataclass(slots=True)
class Terminal:
    """Turns bytes as they come into finished lines of HTML; `rest` is the line still written."""

    style: Style = PLAIN
    _rest: str = ""
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )

    def feed(self, payload: bytes) -> list[str]:
        """The lines these bytes finish, as HTML without their line ends."""
        text = self._rest + self._decoder.decode(payload)
        *lines, self._rest = text.replace("\r\n", "\n").split("\n")
        if len(self._rest) > LINE_LIMIT:
            lines.append(self._rest)
            self._rest = ""
        finished = []
        for line in lines:
            html, self.style = rendered(line, self.style)
            finished.append(html)
        return finished

    @property
    def rest(self) -> str:
        """The line that is still written, as HTML."""
        return rendered(_UNFINISHED.sub("", self._rest), self.style)[0]


def rendered(line: str, style: Style = PLAIN) -> tuple[str, Style]:
    """One line as HTML, and the style after it."""
    pieces: list[str] = []
    at = 0
    for found in _ESCAPE.finditer(line):
        _add(pieces, line[at : found.start()], style)
        if found[2] == "m":
            style = _styled(style, found[1])
        at = found.end()
    _add(pieces, line[at:], style)
    return "".join(pieces), style


def _add(pieces: list[str], text: str, style: Style) -> None:
    """Text in a style; what stands before a carriage return was written over."""
    before, is_over, after = text.rstrip("\r").rpartition("\r")
    if is_over and after:
        pieces.clear()
    elif is_over:
        after = before
    clean = escape(_CONTROL.sub("", after))
    if clean and style.classes:
        pieces.append(f'<span class="{style.classes}">{clean}</span>')
    elif clean:
        pieces.append(str(clean))


def _styled(style: Style, parameters: str) -> Style:
    """The style after one SGR sequence (ECMA-48 8.3.117)."""
    numbers = [int(part) if part.isdecimal() else 0 for part in re.split("[;:]", parameters)]
    colour, is_bold, is_dim = style.colour, style.is_bold, style.is_dim
    while numbers:
        number = numbers.pop(0)
        if number == 0:
            colour, is_bold, is_dim = "", False, False
        elif number == 1:
            is_bold = True
        elif number == 2:
            is_dim = True
        elif number == 22:
            is_bold = is_dim = False
        elif 30 <= number <= 37 or 90 <= number <= 97:
            colour = NAMES[number % 10]
        elif number == 39:
            colour = ""
        elif number in (38, 48):
            picked = _indexed(numbers)
            colour = picked if number == 38 else colour
    return Style(colour, is_bold, is_dim)


def _indexed(numbers: list[int]) -> str:
    """The nearest name of `38;5;N`; true colours (`38;2;R;G;B`) are left plain."""
    kind = numbers.pop(0) if numbers else 0
    if kind == 5 and numbers:
        index = numbers.pop(0)
        return NAMES[index % 8] if index < 16 else ""
    if kind == 2:
        del numbers[:3]
    return ""
