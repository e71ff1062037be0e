"""An add-on provider, whole: the Add-on Partner API v3 in one file of Flask and SQLite.

The platform calls the three views under /heroku/resources; a browser posts to /sso/login; an app
that has the add-on uses NOTES_URL. Run it with `python provider.py`; docs/addons.md walks through.
"""

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import time
from pathlib import Path

from flask import Flask, abort, g, redirect, render_template_string, request, session

MANIFEST = json.loads(Path(os.environ.get("MANIFEST", "manifest.json")).read_text())
DATABASE = os.environ.get("NOTES_DATABASE", "notes.sqlite")
PUBLIC_URL = os.environ.get("PUBLIC_URL", "https://notes.example.com").rstrip("/")
LIMITS = {"free": 10, "team": 1000}
SSO_SECONDS = 5 * 60
SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    id TEXT PRIMARY KEY, plan TEXT NOT NULL, key TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY, words TEXT NOT NULL,
    resource_id TEXT NOT NULL REFERENCES resources ON DELETE CASCADE
);
"""

app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)


def database() -> sqlite3.Connection:
    """This request's connection."""
    if "database" not in g:
        g.database = sqlite3.connect(DATABASE, isolation_level=None)
        g.database.row_factory = sqlite3.Row
        g.database.executescript(SCHEMA + "PRAGMA foreign_keys = ON;")
    return g.database


@app.teardown_appcontext
def _close(_error: BaseException | None) -> None:
    if found := g.pop("database", None):
        found.close()


def refuse(status: int, message: str):
    """An answer the platform shows to whoever asked."""
    return {"message": message}, status


# --- what the platform calls ---------------------------------------------------------------------


@app.before_request
def check_password():
    """Only the platform knows the manifest's id and password."""
    if not request.path.startswith("/heroku/"):
        return None
    shown = request.authorization
    known = shown is not None and hmac.compare_digest(
        f"{shown.username}:{shown.password}".encode(),
        f"{MANIFEST['id']}:{MANIFEST['api']['password']}".encode(),
    )
    return None if known else refuse(401, "Unknown id or password.")


@app.post("/heroku/resources")
def provision():
    """Make a resource. The same uuid again (a retry) gets the same resource."""
    wanted = request.get_json()
    plan = wanted["plan"]
    if plan not in LIMITS:
        return refuse(422, f"There is no plan {plan}.")
    database().execute(
        "INSERT INTO resources (id, plan, key) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (wanted["uuid"], plan, secrets.token_urlsafe(24)),
    )
    return shown(find(wanted["uuid"])), 201


@app.put("/heroku/resources/<resource_id>")
def change_plan(resource_id: str):
    """Move a resource to another plan, unless what is in it does not fit."""
    resource, plan = find(resource_id), request.get_json()["plan"]
    if plan not in LIMITS:
        return refuse(422, f"There is no plan {plan}.")
    count = len(notes_of(resource))
    if count > LIMITS[plan]:
        return refuse(422, f"{plan} holds {LIMITS[plan]} notes and there are {count}.")
    database().execute("UPDATE resources SET plan = ? WHERE id = ?", (plan, resource_id))
    return shown(find(resource_id))


@app.delete("/heroku/resources/<resource_id>")
def deprovision(resource_id: str):
    """Remove a resource and all in it; one that is gone already is 410."""
    gone = database().execute("DELETE FROM resources WHERE id = ?", (resource_id,)).rowcount == 0
    return refuse(410, "It is gone already.") if gone else ("", 204)


def find(resource_id: str) -> sqlite3.Row:
    """A resource; the platform is answered 404 when there is none."""
    row = database().execute("SELECT * FROM resources WHERE id = ?", (resource_id,)).fetchone()
    return row or abort(404)


def shown(resource: sqlite3.Row) -> dict:
    """A resource as the platform wants it: its id and the config vars of the manifest."""
    url = f"{PUBLIC_URL}/notes?key={resource['key']}"
    return {
        "id": resource["id"],
        "config": {"NOTES_URL": url},
        "message": f"Your notes are ready: {LIMITS[resource['plan']]} of them.",
    }


# --- what a person opens -------------------------------------------------------------------------

PAGE = """<!doctype html><title>Notes of {{ app_name }}</title>
<h1>Notes of {{ app_name }}</h1>
<ul>{% for note in notes %}<li>{{ note.words }}</li>{% else %}<li>None yet.</li>{% endfor %}</ul>
"""


@app.post("/sso/login")
def sign_in():
    """A person sent here by the platform: their token is of this resource and of this moment."""
    resource_id, timestamp = request.form["resource_id"], request.form["timestamp"]
    salted = f"{resource_id}:{MANIFEST['api']['sso_salt']}:{timestamp}"
    wanted = hashlib.sha1(salted.encode()).hexdigest()  # what the partner API asks for
    if not hmac.compare_digest(wanted, request.form["resource_token"]):
        abort(403)
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > SSO_SECONDS:
        abort(403)
    session.clear()
    session["resource_id"] = find(resource_id)["id"]
    session["app_name"] = request.form.get("app", "")
    return redirect("/", 303)


@app.get("/")
def page():
    """The notes of the resource the person signed in for."""
    resource = find(session.get("resource_id", ""))
    return render_template_string(PAGE, notes=notes_of(resource), app_name=session["app_name"])


# --- what an app uses ----------------------------------------------------------------------------


@app.route("/notes", methods=["GET", "POST"])
def notes():
    """The notes behind a NOTES_URL; posting words adds one."""
    key = request.args.get("key", "")
    resource = database().execute("SELECT * FROM resources WHERE key = ?", (key,)).fetchone()
    if resource is None:
        return refuse(404, "No notes have this key.")
    if request.method == "POST":
        if len(notes_of(resource)) >= LIMITS[resource["plan"]]:
            return refuse(422, "The plan is full. Upgrade it for more notes.")
        words = request.get_data(as_text=True)
        database().execute(
            "INSERT INTO notes (words, resource_id) VALUES (?, ?)", (words, resource["id"])
        )
    return [note["words"] for note in notes_of(resource)]


def notes_of(resource: sqlite3.Row) -> list[sqlite3.Row]:
    """The notes in a resource, oldest first."""
    query = "SELECT * FROM notes WHERE resource_id = ? ORDER BY id"
    return database().execute(query, (resource["id"],)).fetchall()


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "5000")))
