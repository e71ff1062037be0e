"""Letters taken apart: by the rules, and those that somebody made to do harm."""

import json
import time
from email.message import EmailMessage

import pytest

from kedge_addons.mail.inside.reading import part, shown, summary

HOSTILE = {
    "nothing": b"",
    "no header": b"\r\n\r\nbody",
    "zeros": b"\0" * 1000,
    "a boundary that is not there": b"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\nhello",
    "a boundary that never ends": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nhi",
    "an unknown charset": b"Content-Type: text/plain; charset=klingon\r\n\r\nh\xe9llo",
    "a charset that is code": b"Content-Type: text/plain; charset=zlib\r\n\r\nh\xe9llo",
    "a wrong transfer encoding": b"Content-Transfer-Encoding: base64\r\n\r\n!!!***",
    "half of a character": b"Subject: =?utf-8?b?7aCA?=\r\n\r\n\xed\xa0\xbd",
    "bytes in headers": b"Subject: \xff\xfe\x00\r\nFrom: \x80\r\n\r\nx",
    "a broken address": b"From: <<<>>@@\r\nTo: ,,,;:\r\nSubject: x\r\n\r\nx",
    "a broken date": b"Date: Thu, 99 Foo 99999 99:99:99 +99999\r\n\r\nx",
    "a broken content type": b'Content-Type: ;;;="\r\nContent-Disposition: ===\r\n\r\nx',
    "a message in itself": b"Content-Type: message/rfc822\r\n\r\n" * 300 + b"x",
    "encoded words that grow": b"Subject: " + b"=?utf-8?q?=41?= " * 5000 + b"\r\n\r\nx",
    "many headers": b"X-A: b\r\n" * 20_000 + b"\r\nx",
    "one long header": b"X-A: " + b"b" * 500_000 + b"\r\n\r\nx",
    "references": b"Message-ID: <" + b"[" * 2000 + b">\r\nTo: " + b"(" * 2000 + b"\r\n\r\nx",
    "markup": b"Content-Type: text/html\r\n\r\n<![CDATA[<!--<script" * 10,
}  # fmt: skip


def nested(depth):
    """A letter of parts in parts."""
    raw = b"Content-Type: text/plain\r\n\r\ninnermost"
    for number in range(depth):
        edge = b"b%d" % number
        raw = (b"Content-Type: multipart/mixed; boundary=" + edge + b"\r\n\r\n--" + edge + b"\r\n"
               + raw + b"\r\n--" + edge + b"--\r\n")  # fmt: skip
    return raw


HOSTILE["parts in parts"] = nested(60)
HOSTILE["many parts"] = (
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\ny\r\n" * 20_000 + b"--x--"
)


@pytest.mark.parametrize("name", HOSTILE)
def test_every_letter_gives_something_to_look_at(name):
    """No letter is refused or breaks the reader: what cannot be taken apart is shown as it came."""
    raw, began = HOSTILE[name], time.process_time()
    told, found = summary(raw), shown(raw)
    json.dumps([told.subject, told.words, found]).encode()  # what JSON and UTF-8 can say
    assert found["text"] is not None or found["html"] is not None or found["parts"] or not raw
    assert len(found["parts"]) <= 200
    assert time.process_time() - began < 20


def rich():
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = "Grüße", "Shop <s@example.com>", "you@example.com"
    made.set_content("Plain.")
    made.add_alternative('<p>Rich <img src="cid:logo"> <img src="cid:other"></p>', subtype="html")
    page = made.get_payload()[1]
    page.add_related(b"\x89PNG", "image", "png", cid="<logo>", filename="logo.png")
    made.add_attachment(b"a,b\r\n", maintype="text", subtype="csv", filename="../../etc/päss.csv")
    return made


def test_a_rich_letter_is_taken_apart():
    """Text, page, the page's image inside it, and the attachment by its bare name."""
    raw = rich().as_bytes()
    found = shown(raw)
    assert found["text"].strip() == "Plain."
    assert 'src="data:image/png;base64,iVBORw=="' in found["html"]
    assert 'src="cid:other"' in found["html"]
    assert not found["loads_remote"]
    assert ["Subject", "Grüße"] in found["headers"]
    files = [each for each in found["parts"] if each["is_attachment"]]
    assert [(each["name"], each["size"]) for each in files] == [("päss.csv", 5)]
    assert part(raw, files[0]["number"]) == b"a,b\r\n"
    assert part(raw, 99) is None
    assert summary(raw).attachments == 1


def test_headers_are_one_line_each():
    """A header cannot smuggle another one in, whether by folding or by encoded line ends."""
    raw = b"Subject: =?utf-8?q?a=0D=0ABcc:_x@example.com?=\r\nX-B: c\r\n\td\r\n\r\nx"
    found = shown(raw)
    assert summary(raw).subject == "a Bcc: x@example.com"
    assert all("\r" not in value and "\n" not in value for _, value in found["headers"])
    assert ["X-B", "c d"] in found["headers"]


@pytest.mark.parametrize(
    "given", ["a\r\nX: y", "..", "\u202egnp.exe", "C:\\x\\y.txt", "", "n" * 999]
)
def test_names_of_attachments_are_bare(given):
    """No folder, no control letter, not empty, and of a length that file systems take."""
    made = EmailMessage()
    made.set_content("x")
    made.add_attachment(b"1", maintype="image", subtype="png", filename="NAME")
    raw = made.as_bytes().replace(b"NAME", given.encode("unicode_escape"))
    name = shown(raw)["parts"][-1]["name"]
    assert name
    assert name.isprintable()
    assert len(name) <= 150
    assert "/" not in name
    assert "\\" not in name or given == "a\r\nX: y"
    assert name not in {".", ".."}


@pytest.mark.parametrize(
    ("page", "loads"),
    [
        ('<img src="https://example.com/x.png">', True), ("<img src=//example.com/x>", True),
        ("<style>a{background:url( 'http://x/y')}</style>", True),
        ('<a href="https://example.com">link</a>', False), ('<img src="cid:x">', False),
    ],
)  # fmt: skip
def test_it_is_known_whether_a_page_loads_from_elsewhere(page, loads):
    """Images and styles of other places are not loaded; who reads is told that there are some."""
    made = EmailMessage()
    made.set_content(page, subtype="html")
    assert shown(made.as_bytes())["loads_remote"] is loads
