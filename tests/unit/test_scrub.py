"""Config values never reach a stream of output, however they are cut, and nothing else is lost."""

import base64
import json
import random
from urllib.parse import quote, quote_plus

import pytest

from kedge.scrub import Scrubber

SECRET = "s3cr3t/Value+1 é"
PRIVATE_KEY = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\nq7\nzzzzzzzzzzzz\n-----END KEY-----\n"


def scrub(values: dict[str, str], *chunks: bytes) -> bytes:
    scrubber = Scrubber(values)
    return b"".join([*(scrubber.feed(chunk) for chunk in chunks), scrubber.flush()])


def test_a_value_becomes_its_key():
    """A config value of eight characters or more is shown as `[KEY]`."""
    assert scrub({"TOKEN": "12345678"}, b"a 12345678 b12345678") == b"a [TOKEN] b[TOKEN]"


def test_short_values_stay():
    """Values under eight characters, empty ones and blanks are left as they are."""
    values = {"A": "1234567", "B": "", "C": " " * 12, "D": "\n\nabc\n\n\n\n"}
    text = b"1234567" + b" " * 20 + b"\n\nabc\n\n\n\n"
    assert scrub(values, text) == text


def test_without_values_everything_passes_at_once():
    """An app without config loses no time and no byte."""
    scrubber = Scrubber({})
    assert scrubber.feed(b"\x00\xff") == b"\x00\xff"
    assert scrubber.flush() == b""


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_value_is_found_across_writes(cut: int):
    """However a value is cut in two, it is found."""
    assert scrub({"TOKEN": "12345678"}, b"x" + b"12345678"[:cut], b"12345678"[cut:]) == b"x[TOKEN]"


def test_the_longest_value_wins():
    """Where one value begins another, the longer is replaced if it is there, else the shorter."""
    values = {"SHORT": "postgres://u", "LONG": "postgres://user:pw@host"}
    assert scrub(values, b"postgres://us", b"er:pw@host") == b"[LONG]"
    assert scrub(values, b"postgres://us", b"er:other") == b"[SHORT]ser:other"
    assert scrub(values, b"postgres://us") == b"[SHORT]s"


def test_a_whole_line_is_passed_at_once():
    """Output stays live: a line that does not end in the beginning of a value is not held."""
    scrubber = Scrubber({"KEY": PRIVATE_KEY, "TOKEN": "\n12345678\n", "SEVEN": "\nabcdefg"})
    for line in (b"-----> Python app detected\n", b"\n", b"ends in 1234567\n", b"\r\n"):
        assert scrubber.feed(line) == line
    assert scrubber.feed(b"prompt> 1234") == b"prompt> "
    assert scrubber.feed(b"!") == b"1234!"


def test_no_more_is_held_than_a_value_is_long():
    """Memory is bounded by the longest form of a value."""
    scrubber = Scrubber({"A": "a" * 10_000 + "b"})
    shown = sum(len(scrubber.feed(b"a" * 1000)) for _ in range(50))
    assert shown >= 50_000 - 4 * 10_001
    assert shown + len(scrubber.flush()) == 50_000


def test_every_line_of_a_value_is_a_value():
    """A key file is hidden also when its lines are indented, or end as a terminal ends them."""
    indented = "".join(f"       {line}\n" for line in PRIVATE_KEY.splitlines()).encode()
    assert scrub({"KEY": PRIVATE_KEY}, indented) == (
        b"       [KEY]\n       [KEY]\n       q7\n       [KEY]\n       [KEY]\n"
    )
    for written in (PRIVATE_KEY, PRIVATE_KEY.replace("\n", "\r\n")):
        assert scrub({"KEY": PRIVATE_KEY}, written.encode()).strip() == b"[KEY]"


@pytest.mark.parametrize(
    "form",
    [
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower().replace("s3cr3t%2fvalue", "s3cr3t%2fValue"),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(PRIVATE_KEY)[1:-1].removesuffix("\\n"),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_encoded_forms_are_hidden(form: str):
    """URL-encoded, JSON-escaped and base64 forms become the key as the value itself does."""
    shown = scrub({"SECRET": SECRET, "KEY": PRIVATE_KEY}, f"<{form}>".encode())
    assert shown in (b"<[SECRET]>", b"<[KEY]>")


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
@pytest.mark.parametrize("after", ["", "\n", "ab"])
def test_base64_of_something_longer_is_hidden(before: str, after: str):
    """In `user:password` as base64 (basic authentication) the password is hidden."""
    encoded = base64.b64encode(f"{before}{SECRET}{after}".encode())
    shown = scrub({"SECRET": SECRET}, encoded)
    assert b"[SECRET]" in shown
    assert len(shown) <= len("[SECRET]") + 4 + 4 + len(base64.b64encode(before.encode()))


def test_base64_in_lines_is_hidden():
    """`base64` breaks its lines at 76 characters; each of them is hidden."""
    value = "".join(chr(33 + n % 90) for n in range(200))
    wrapped = base64.b64encode(value.encode()).decode()
    lines = [wrapped[at : at + 76] for at in range(0, len(wrapped), 76)]
    assert set(scrub({"A": value}, "\n".join(lines).encode()).split(b"\n")) == {b"[A]"}


def test_two_keys_with_one_value_show_the_first():
    """Which key is shown does not change from line to line."""
    assert scrub({"A": "12345678", "B": "12345678"}, b"12345678 12345678") == b"[A] [A]"


def test_bytes_that_are_no_text_pass():
    """Any byte passes unchanged, a value between them is found."""
    everything = bytes(range(256))
    assert scrub({"A": "v-a-l-u-e"}, everything + b"v-a-l-u-e" + everything) == (
        everything + b"[A]" + everything
    )


def test_cuts_make_no_difference():
    """However output is cut into writes, the result is that of one write, and shows no value."""
    seed = random.randrange(1 << 30)
    print("seed", seed)  # noqa: T201 - shown when the test fails
    chance = random.Random(seed)
    for _ in range(200):
        letters = "ab\n" if chance.random() < 0.5 else "abcdefgh \n%+"
        values = {
            f"K{n}": "".join(chance.choices(letters, k=chance.randrange(8, 14))) for n in range(4)
        }
        words = [*values.values(), "a", "b", "\n", "hello", " "]
        text = "".join(chance.choices(words, k=40)).encode()
        cuts = sorted(chance.choices(range(len(text)), k=chance.randrange(20)))
        chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        whole = scrub(values, text)
        assert scrub(values, *chunks) == whole
        shown = whole.decode()
        for key in values:
            shown = shown.replace(f"[{key}]", "\0")
        assert not [v for v in values.values() if len(v.strip()) >= 8 and v.strip() in shown]
