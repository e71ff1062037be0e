"""What the inbox's SMTP server takes and what it refuses, asked by Python's own client."""

import smtplib
import ssl
from email.message import EmailMessage

import pytest

from addons.smtp_server import LIMITS, LOGIN, SmtpServer
from kedge_addons.mail.inside.credentials import Credentials

# The inbox lets apps choose: STARTTLS is there, and its network is theirs alone.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with SmtpServer(tmp_path_factory.mktemp("mail")) as running:
        yield running


@pytest.fixture
def client(server):
    server.letters.clear(2**40)
    with server.client() as made:
        yield made


def letter(subject="Hello", text="It works.", **headers):
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "shop@example.com", "you@example.com", subject
    for name, value in headers.items():
        made[name] = value
    made.set_content(text)
    return made


def kept(server, **asked):
    return server.letters.page(**asked)["letters"]


def test_a_letter_is_kept_as_it_came(server, client):
    """What was sent is there byte by byte, with the envelope beside it, hidden recipients too."""
    client.send_message(letter(), to_addrs=["you@example.com", "hidden@example.com"])
    (one,) = kept(server)
    assert one["subject"] == "Hello"
    assert one["sender"] == "shop@example.com"
    assert one["recipients"] == ["you@example.com", "hidden@example.com"]
    raw = server.letters.raw(one["id"])
    assert b"It works." in raw
    assert one["size"] == len(raw)


def test_nobody_sends_without_the_password(server):
    """Without a sign-in, with a wrong password, or one whose time is over: nothing is kept."""
    server.letters.clear(2**40)
    with server.client(login=None) as stranger, pytest.raises(smtplib.SMTPResponseException):
        stranger.send_message(letter())
    with pytest.raises(smtplib.SMTPAuthenticationError):
        server.client(login=("inbox", "wrong"))
    allowed = [{"login": LOGIN[0], "password": LOGIN[1], "until": None},
               {"login": "inbox", "password": "old", "until": 1.0},
               {"login": "inbox", "password": "ending", "until": 4e9}]  # fmt: skip
    Credentials(server.folder).keep(allowed)
    with pytest.raises(smtplib.SMTPAuthenticationError):
        server.client(login=("inbox", "old"))
    server.client(login=("inbox", "ending")).quit()
    assert kept(server) == []


def test_tls_is_there_for_those_who_want_it(server):
    """STARTTLS with the server's own certificate; letters are taken as without it."""
    server.letters.clear(2**40)
    context = ssl.create_default_context(cafile=server.folder / "server.crt")
    with server.client(login=None) as client:
        client.starttls(context=context)
        client.login(*LOGIN)
        client.send_message(letter("By TLS"))
    assert [each["subject"] for each in kept(server)] == ["By TLS"]


def test_a_letter_that_is_too_large_is_refused(server, client):
    """By its announced size and by its real one; the connection goes on."""
    with pytest.raises(smtplib.SMTPSenderRefused) as said:
        client.send_message(letter(text="x" * 76 + "\n" * LIMITS["message_bytes"]))
    assert said.value.smtp_code == 552
    client.rset()
    client.docmd("MAIL FROM:<a@example.com>")  # says nothing of a size
    client.docmd("RCPT TO:<b@example.com>")
    assert client.data(b"x\r\n" + (b"y" * 60 + b"\r\n") * 4000)[0] == 552
    client.send_message(letter("After"))
    assert [each["subject"] for each in kept(server)] == ["After"]


def test_the_newest_letters_are_kept(server, client):
    """By number and by size together, as the plan has it; the newest always stays."""
    for number in range(8):
        client.send_message(letter(f"Letter {number}"))
    assert [each["subject"][-1] for each in kept(server)] == ["7", "6", "5", "4", "3"]
    for number in range(4):
        client.send_message(letter(f"Large {number}", "y\n" * 60_000))
    assert server.letters.usage()["size_bytes"] <= LIMITS["total_bytes"]
    assert kept(server)[0]["subject"] == "Large 3"


def test_recipients_have_an_end(server, client):
    """A hundred for one letter; the rest is refused, and the letter goes to those before."""
    many = [f"r{number}@example.com" for number in range(120)]
    refused = client.send_message(letter(), to_addrs=many)
    assert len(refused) == 20
    assert len(kept(server)[0]["recipients"]) == 100


def test_connections_have_an_end(server, client):
    """One more than the plan has is told so and sent away; the others go on."""
    others = [server.client() for _ in range(LIMITS["connections"] - 1)]
    with pytest.raises(smtplib.SMTPConnectError) as said:
        server.client()
    assert said.value.smtp_code == 421
    for each in others:
        each.quit()
    client.send_message(letter())
    assert len(kept(server)) == 1


def test_what_is_no_smtp_ends_nothing(server, client):
    """Nonsense, long lines and halves of commands are refused; the connection goes on."""
    for nonsense in ("\x00\x7f", "MAIL FROM:<>" + "x" * 600, "RCPT TO:<a@b>", "DATA", "AUTH X"):
        assert client.docmd(nonsense)[0] >= 500
    client.send_message(letter("After"))
    assert len(kept(server)) == 1


def test_letters_are_searched_by_their_words(server, client):
    """All words must be there: in the subject, the text, the page, among senders or recipients."""
    client.send_message(letter("Your ÜBER order", "Number 4711."))
    page = letter("Welcome")
    page.set_content("<style>hidden4711</style><b>Größe</b>", subtype="html")
    client.send_message(page)
    for search, found in [
        ("über 4711", ["Your ÜBER order"]), ("GRÖSSE", []), ("größe", ["Welcome"]),
        ("shop@example.com", ["Welcome", "Your ÜBER order"]), ("100%", []), ("' OR 1=1", []),
    ]:  # fmt: skip
        assert [each["subject"] for each in kept(server, search=search)] == found, search
