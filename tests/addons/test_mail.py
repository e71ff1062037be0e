"""An inbox in its container: sent to by a real client, read on its pages, and its life."""

import smtplib
import socket
from email.message import EmailMessage

import pytest

from addons.looks import faults
from addons.side import wait_until
from addons.visitor import Visitor, assert_strict

pytestmark = pytest.mark.docker
EVIL = "<script>alert(1)</script>"
PAGE = f"""<!DOCTYPE html><html><head><meta http-equiv="refresh" content="0;url=https://x"></head>
<body onload="alert(1)">{EVIL}<p style="color:red">Rich</p><a href="https://example.com">go</a>
<img src="https://example.com/pixel.png"></body></html>"""


@pytest.fixture(scope="module")
def made(providers):
    with providers.made("mail") as made:
        wait_until(lambda: made.ask("GET")["state"] == "running")
        yield made


@pytest.fixture(scope="module")
def visitor(providers, made):
    found = Visitor(providers, "mail", made.id)
    yield found
    found.close()


@pytest.fixture
def empty(made):
    inbox = made.side.lifecycle.services["mail"].inbox(made.resource)
    inbox.clear(2**40)
    return inbox


def client(made, config=None):
    """A client where dynos are: on the dyno network."""
    config = config or made.config
    address = made.side.tools.instances.look(made.id).address
    wait_until(lambda: is_open(address, int(config["MAIL_PORT"])))
    found = smtplib.SMTP(address, int(config["MAIL_PORT"]), timeout=20)
    found.login(config["MAIL_USERNAME"], config["MAIL_PASSWORD"])
    return found


def is_open(address, port):
    with socket.socket() as asked:
        return asked.connect_ex((address, port)) == 0


def letter(subject=f"Hello {EVIL}"):
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "shop@example.com", "you@example.com", subject
    made["X-Evil"] = EVIL
    made.set_content(f"Plain {EVIL}")
    made.add_alternative(PAGE, subtype="html")
    made.add_attachment(EVIL.encode(), maintype="text", subtype="html", filename='a";\u00fc.html')
    return made


def test_a_letter_is_read_and_deleted(made, visitor, empty):
    """Sent by SMTP, on the list with its words, read in four views, downloaded, deleted."""
    assert "No letters yet" in visitor.get().text
    with client(made) as sender:
        sender.send_message(letter())
    (one,) = empty.page()["letters"]
    path = f"letters/{one['id']}"
    listed = visitor.get()
    assert "Hello &lt;script&gt;" in listed.text
    assert_strict(listed)
    shown = {"": "not loaded", "?view=text": "Plain &lt;script", "?view=headers": "X-Evil",
             "?view=raw": "MIME-Version: 1.0"}  # fmt: skip
    for view, words in shown.items():
        page = visitor.get(path + view)
        assert_strict(page)
        assert EVIL not in page.text
        assert words in page.text
    assert b"X-Evil: " in visitor.get(path + "/raw").content
    visitor.post(path + "/delete", page=path)
    visitor.get(path, status=404)


def test_a_page_in_a_letter_can_do_nothing(made, visitor, empty):
    """It is an answer of its own: no script, no form, nothing loaded, in nobody else's frame."""
    with client(made) as sender:
        sender.send_message(letter())
    (one,) = empty.page()["letters"]
    shown = visitor.get(f"letters/{one['id']}/page")
    policy = shown.headers["Content-Security-Policy"]
    assert policy.startswith(
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'"
    )
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "frame-ancestors 'self'" in policy
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.text.startswith('<!DOCTYPE html><base target="_blank">')
    frame = visitor.get(f"letters/{one['id']}").text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame


def test_attachments_are_never_shown(made, visitor, empty):
    """Whatever its type says, a part is a file to download, by a name that ends no header."""
    with client(made) as sender:
        sender.send_message(letter())
    (one,) = empty.page()["letters"]
    found = visitor.get(f"letters/{one['id']}/parts/2")
    assert found.content == EVIL.encode()
    assert found.headers["Content-Type"] == "application/octet-stream"
    assert found.headers["Content-Disposition"].startswith("attachment; filename")
    assert found.headers["Content-Security-Policy"].startswith("sandbox;")
    visitor.get(f"letters/{one['id']}/parts/9", status=404)
    visitor.get("letters/999999/raw", status=404)
    assert visitor.client.get(f"{visitor.base}letters/{'9' * 30}/raw").status_code == 404
    visitor.get(f"?before={'9' * 30}")


def test_every_page_is_clean(chromium, made, visitor, empty):
    """Axe finds nothing, wide in light and dark on a phone; nothing is wider than its screen."""
    with client(made) as sender:
        sender.send_message(letter("word" * 90))
        sender.send_message(letter(), to_addrs=[f"somebody{n}@example.com" for n in range(40)])
    newest = f"letters/{empty.page()['letters'][0]['id']}"
    views = [f"{newest}?view={view}" for view in ("html", "headers")]
    assert faults(chromium, visitor, ["", *views, "use?rotated"]) == []


def test_all_letters_are_deleted_but_new_ones(made, visitor, empty):
    """Delete all takes what was there when it was asked; what came since stays."""
    with client(made) as sender:
        sender.send_message(letter("First"))
        asked = visitor.get("clear").text
        until = asked.partition('name="until" value="')[2].partition('"')[0]
        sender.send_message(letter("Second"))
    visitor.post("clear", page="clear", until=until)
    assert [each["subject"] for each in empty.page()["letters"]] == ["Second"]
    refused = visitor.client.post(visitor.base + "clear", data={"until": "9999"})
    assert refused.status_code == 403
    assert len(empty.page()["letters"]) == 1


def test_a_new_password_and_the_old_one(made, visitor, empty):
    """After a rotation both are good for a moment, and the app is told; `force` ends the old."""
    before = made.config
    visitor.post("rotate", page="use")
    after = made.config
    assert after["MAIL_PASSWORD"] != before["MAIL_PASSWORD"]
    wait_until(lambda: made.platform.config.get(str(made.id)) == after, what="the platform is told")
    client(made, before).quit()
    client(made, after).quit()
    made.ask("POST", "/credentials/rotate", json={"force": True})
    for old in (before, after):
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client(made, old)
    client(made).quit()


def test_the_server_has_no_rights_and_no_secret(made):
    """No capability, nothing to write but its data, and no password in what the engine tells."""
    told = made.container.attrs
    assert told["HostConfig"]["CapDrop"] == ["ALL"]
    assert told["HostConfig"]["ReadonlyRootfs"]
    assert made.config["MAIL_PASSWORD"] not in str(told)


def test_letters_outlive_the_server_and_the_add_on(made, visitor, empty):
    """A killed server comes back with them, and so does a destroyed add-on; plans are held."""
    with client(made) as sender:
        sender.send_message(letter("Kept"))
    made.container.kill()
    wait_until(lambda: made.ask("GET")["state"] == "running")
    assert made.partner("DELETE").status_code in {200, 204}
    visitor.get(status=410)
    assert made.partner("POST", "/actions/restore").status_code in {200, 201}
    wait_until(lambda: made.ask("GET")["state"] == "running")
    assert [each["subject"] for each in empty.page()["letters"]] == ["Kept"]
    assert made.partner("PUT", json={"plan": "team"}).status_code == 200
    assert made.ask("GET")["usage"]["message_limit"] == 2000
    client(made).quit()
