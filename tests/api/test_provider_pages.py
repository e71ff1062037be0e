"""Pages of the built-in providers at the platform's address, asked of a listener that tells all."""

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

import pytest


class Listener(BaseHTTPRequestHandler):
    """Answers with what it was asked, and with headers that are not its to set."""

    protocol_version = "HTTP/1.1"

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = {"path": self.path, "headers": dict(self.headers), "body": body.decode()}
        told = json.dumps(asked).encode()
        self.send_response(207)
        self.send_header("Content-Length", str(len(told)))
        self.send_header("Connection", "keep-alive")
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.send_header("Set-Cookie", "kedge_provider=mine; Path=/provider; HttpOnly")
        self.send_header("Set-Cookie", "kedge_provider=wide; Path=/")
        self.send_header("Set-Cookie", "kedge-session=forged; Path=/provider")
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do  # noqa: N815 - the server's names

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("unix", 0)


@pytest.fixture
def visitor(application, services):
    """A browser at the platform, whose providers listen."""
    services.settings.run_dir.mkdir(parents=True, exist_ok=True)
    server = Server(str(services.settings.run_dir / "addons.sock"), Listener)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield application.test_client(use_cookies=False)
    server.shutdown()
    server.server_close()


def test_a_page_is_asked_for_without_anything_of_the_platforms(visitor):
    """No token and no session reach a provider; who asks and at which address does."""
    headers = {
        "Authorization": "Bearer secret", "X-Forwarded-Host": "elsewhere", "TE": "trailers",
        "Cookie": "kedge-session=secret; kedge-theme=dark; kedge_provider=own",
    }  # fmt: skip
    answer = visitor.post(
        "/provider/mail/résumé?letter=a%26b", data={"read": "yes"}, headers=headers,
        base_url="http://kedge.example:8080",
    )  # fmt: skip
    asked = answer.get_json(force=True)
    assert answer.status_code == 207
    assert asked["path"] == "/provider/mail/r%C3%A9sum%C3%A9?letter=a%26b"
    assert asked["body"] == "read=yes"
    assert asked["headers"]["Cookie"] == "kedge_provider=own; kedge-theme=dark"
    assert asked["headers"]["X-Forwarded-Host"] == asked["headers"]["Host"] == "kedge.example:8080"
    assert {"Authorization", "TE"}.isdisjoint(asked["headers"])
    assert "secret" not in json.dumps(asked["headers"])


def test_a_provider_sets_its_own_cookie_and_no_other(visitor):
    """The platform's session is not to be overwritten, and nothing holds beyond their pages."""
    answer = visitor.get("/provider/mail/")
    assert answer.headers.getlist("Set-Cookie") == ["kedge_provider=mine; Path=/provider; HttpOnly"]
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
    assert "Connection" not in answer.headers


@pytest.mark.parametrize(
    "page", ["../mail/heroku/resources", "%2e%2e/health", "mail/%2e%2e%2f../x"]
)
def test_only_pages_are_reached(visitor, page):
    """The partner API behind the same socket has no address here."""
    assert visitor.get(f"/provider/{page}").status_code == 404


def test_providers_that_are_away_are_said(application):
    """The answer tells to try again and what says more."""
    answer = application.test_client().get("/provider/mail/")
    assert answer.status_code == 503
    assert "kedge status" in answer.get_json()["message"]
