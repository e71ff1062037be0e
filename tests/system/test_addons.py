"""A database on a running platform: who reaches it, and what happens when something dies."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from system.guide import commands, follow
from system.installation import ROOT, free_ports, wait_until

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


def test_a_provider_in_twenty_minutes(new_app, tmp_path):
    """docs/addons.md is followed word for word, from the example to an app that uses it."""
    app = new_app({})
    (port,) = free_ports(1)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    written = commands(ROOT / "docs" / "addons.md", "## Write a provider in twenty minutes")
    written = [re.sub(r"\bshop\b", app.name, each).replace("5000", str(port)) for each in written]
    programs = f"{Path(sys.executable).parent}:{app.platform.environment['PATH']}"
    said = follow(written, tmp_path, app.platform.environment | {"PATH": programs})

    assert "12 of 12 hold for notes." in said
    assert '["Buy milk"]' in said
    assert "/dashboard/addons/notes-" in said
    assert "Attach NOTES (@ref:notes-" in said
    assert "notes is offered no longer." in said
