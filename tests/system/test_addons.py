"""A database on a running platform: who reaches it, and what happens when something dies."""

from __future__ import annotations

import json

import pytest

from system.installation import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.slow]
VISITS = {
    "Procfile": "web: python server.py\n",
    "requirements.txt": "psycopg[binary]\n",
    "server.py": """
import http.server, json, os, signal, sys
import psycopg
def visit():
    with psycopg.connect(os.environ["URL"], connect_timeout=5) as session:
        session.execute("create table if not exists visits (at timestamptz default now())")
        session.execute("insert into visits default values")
        counted = session.execute("select count(*) from visits").fetchone()[0]
        asked = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
        return {"visits": counted, "ssl": session.execute(asked).fetchone()[0]}
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            found = visit() if self.path == "/visit" else {}
        except psycopg.Error as error:
            found = {"error": str(error)}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())
    def log_message(self, *_):
        pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Answer).serve_forever()
""",
}


def visited(app):
    """What the app answers to one visit more."""
    return json.loads(app.get("/visit").text)


def test_a_database_is_there_for_the_apps_it_is_attached_to(new_app):
    """Who knows its URL and is not attached is refused; attached, it works, over TLS.

    It outlives its provider's death and its own; destroyed and restored, it has what was in it.
    """
    owner, app = new_app({}), new_app(VISITS)
    platform = owner.platform
    owner.kedge("addons:create", "heroku-postgresql:essential-0", "--name", f"{owner.name}-db")
    url = owner.kedge("config:get", "DATABASE_URL").stdout.strip()
    app.kedge("config:set", f"URL={url}")
    app.push()
    assert "refused" in visited(app)["error"]

    app.kedge("addons:attach", f"{owner.name}-db")
    assert visited(app) == {"visits": 1, "ssl": True}

    (server,) = platform.containers(kind="addon", service="heroku-postgresql")
    platform.kill("addons")
    assert visited(app)["visits"] == 2
    server.kill()
    assert "error" in visited(app)
    assert wait_until(lambda: visited(app).get("visits")) == 3

    app.kedge("addons:detach", "DATABASE")
    assert "refused" in visited(app)["error"]

    owner.kedge("addons:destroy", f"{owner.name}-db", "--confirm", owner.name)
    wait_until(lambda: not platform.containers(kind="addon", service="heroku-postgresql"))
    platform.kedge("addons:restore", f"{owner.name}-db")
    app.kedge("addons:attach", f"{owner.name}-db")
    assert visited(app)["visits"] == 4
    platform.kedge("addons:destroy", f"{owner.name}-db", "--force", "--confirm", owner.name)
