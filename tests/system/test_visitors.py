"""What visitors meet: names, certificates, headers and pages."""

from __future__ import annotations

import socket
import ssl

import httpx
import pytest

from system.installation import HELLO, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ECHO = {
    "Procfile": "web: python3 server.py\n",
    "server.py": """
import http.server, json, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({k.lower(): v for k, v in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Answer).serve_forever()
""",
}


def certificate_names(platform, name: str) -> set[str]:
    """The names in the certificate served for a name, none while another's is served for it."""
    trust = ssl.create_default_context(cafile=str(platform.home / "ca.pem"))
    try:
        with (
            socket.create_connection(("127.0.0.1", platform.https_port)) as plain,
            trust.wrap_socket(plain, server_hostname=name) as wrapped,
        ):
            served = wrapped.getpeercert() or {}
    except ssl.SSLCertVerificationError:
        return set()
    return {value for _, value in served["subjectAltName"]}


def test_an_app_has_a_certificate_of_the_platform_s_own_authority(platform, standing_app):
    """TLS to APP.DOMAIN verifies with ca.pem, and so does TLS to localhost."""
    app = standing_app
    assert wait_until(lambda: certificate_names(platform, f"{app.name}.localhost"))
    assert {"localhost", "127.0.0.1"} <= certificate_names(platform, "localhost")


def test_a_custom_domain_leads_to_its_app(platform, standing_app):
    """A domain works, by HTTP and by TLS, until it is removed."""
    app = standing_app
    domain = f"www.{app.name}.example.com"
    app.kedge("domains:add", domain)
    headers = {"Host": domain}
    wait_until(lambda: app.get(headers=headers).text == "Hello one web.1 v3")
    wait_until(lambda: domain in certificate_names(platform, domain))
    app.kedge("domains:remove", domain)
    wait_until(lambda: app.get(headers=headers).status_code == 404)


def test_an_app_is_told_who_asks_and_how(platform, new_app):
    """X-Request-Id is kept or made; X-Forwarded-* tell the visitor's address, scheme and port."""
    app = new_app(ECHO)
    app.push()
    request_id = "a-request-id-of-my-own-1234"
    told = app.get(headers={"X-Request-Id": request_id, "X-Forwarded-For": "203.0.113.9"}).json()
    assert told["x-request-id"] == request_id
    assert told["x-forwarded-for"].endswith("127.0.0.1")
    assert told["x-forwarded-proto"] == "http"
    assert told["x-forwarded-port"] == str(platform.http_port)
    assert len(app.get().json()["x-request-id"]) >= 20


@pytest.mark.parametrize("state", ["blank", "maintenance"])
def test_who_cannot_be_served_is_told_why(new_app, state):
    """A blank app (H81) and one in maintenance (H80) answer 503 with a page that says so."""
    app = new_app(HELLO)
    code = "H81"
    if state == "maintenance":
        app.push()
        app.kedge("maintenance:on")
        code = "H80"
    answer = wait_until(lambda: (found := app.get()).status_code == 503 and found)
    assert code in answer.text
    assert answer.headers["content-type"].startswith("text/html")


def test_a_name_nobody_has_is_not_found(platform):
    """An unknown host gets a 404 page, and no other app."""
    assert platform.get("nobody-has-this-name").status_code == 404


def test_apps_answer_each_for_themselves(new_app):
    """Two apps side by side never answer for each other."""
    first, second = new_app(), new_app({**HELLO, "VERSION": "another"})
    first.push()
    second.push()
    for _ in range(20):
        assert " one " in first.get().text
        assert " another " in second.get().text


def test_the_platform_answers_by_its_own_names_on_both_ports(platform):
    """`localhost` and 127.0.0.1 are the API, by HTTP and by HTTPS."""
    headers = {"Authorization": f"Bearer {platform.token}"}
    trust = ssl.create_default_context(cafile=str(platform.home / "ca.pem"))
    for host in ("localhost", "127.0.0.1"):
        plain = httpx.get(f"http://{host}:{platform.http_port}/account", headers=headers)
        secure = httpx.get(
            f"https://{host}:{platform.https_port}/account", headers=headers, verify=trust
        )
        assert plain.json()["email"] == secure.json()["email"] == "owner@localhost"
