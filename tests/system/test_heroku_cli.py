"""The official heroku CLI, unmodified, against a running platform.

It comes from the npm registry and needs Node.js 20 or newer, which not every machine has.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest

from system.installation import HELLO, App, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.slow]

COMMANDS = Path(__file__).with_name("heroku_commands.mjs")
VERSION = "11.10.0"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kedge-tests"


def node_major() -> int:
    """The major version of the machine's Node.js, 0 without one."""
    if not shutil.which("node") or not shutil.which("npm"):
        return 0
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return int(told.lstrip("v").split(".")[0])


@pytest.fixture(scope="session")
def heroku_program() -> Path:
    """The CLI, installed once for this machine."""
    if node_major() < 20:
        pytest.skip("the official CLI needs Node.js 20 and npm")
    folder = CACHE / f"heroku-{VERSION}"
    program = folder / "node_modules" / ".bin" / "heroku"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-save", "--prefix", str(folder), f"heroku@{VERSION}"]
        subprocess.run(command, check=True, capture_output=True, timeout=280)
    return program


class HerokuCli:
    """The CLI as a person would set it up for Kedge."""

    def __init__(self, platform, program: Path, home: Path) -> None:
        url = f"https://localhost:{platform.https_port}"
        self.program = program
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "HEROKU_HOST": url,
            "HEROKU_PARTICLEBOARD_URL": url,
            "HEROKU_DATA_HOST": "localhost",
            "HEROKU_API_KEY": platform.token,
            "HEROKU_SKIP_NEW_VERSION_CHECK": "true",
            "DISABLE_TELEMETRY": "true",
            "NODE_EXTRA_CA_CERTS": str(platform.home / "ca.pem"),
            "GIT_SSL_CAINFO": str(platform.home / "ca.pem"),
        }
        orders, self.orders = os.pipe()
        command = ["node", "--no-deprecation", COMMANDS, program.resolve(), str(orders)]
        self.session = subprocess.Popen(
            command,
            env=self.environment, cwd=home, text=True, pass_fds=[orders],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )  # fmt: skip
        os.close(orders)

    def __call__(self, *words: str, status: int = 0) -> str:
        """One command, in the process that runs them all; what it said."""
        os.write(self.orders, json.dumps(words).encode() + b"\n")
        assert self.session.stdout
        done = json.loads(self.session.stdout.readline())
        assert done["status"] == status, f"{words}: {done}"
        return str(done["said"])

    def program_run(self, *words: str, status: int = 0, cwd: Path | None = None) -> str:
        """One command in a process of its own; its output, both streams."""
        done = subprocess.run(
            [str(self.program), *words],
            env=self.environment, cwd=cwd, capture_output=True, text=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == status, f"{words}: {done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def end(self) -> None:
        """End the process of the commands."""
        os.close(self.orders)
        self.session.communicate(timeout=30)


@pytest.fixture(scope="module")
def heroku(platform, heroku_program, tmp_path_factory):
    """Runs the CLI's commands."""
    made = HerokuCli(platform, heroku_program, tmp_path_factory.mktemp("heroku"))
    yield made
    made.end()


@pytest.fixture(scope="module")
def created(platform, heroku, tmp_path_factory):
    """An app the CLI created and git pushed over TLS, by the remote the CLI made."""
    name = f"cli-{secrets.token_hex(4)}"
    app = App(platform, name, tmp_path_factory.mktemp("created") / name)
    app.folder.mkdir()
    app.git("init", "--quiet", "--initial-branch", "main")
    app.commit(HELLO)
    heroku.program_run("create", name, cwd=app.folder)
    told = subprocess.run(
        ["git", "push", "heroku", "main"],
        cwd=app.folder, env={**heroku.environment, "PATH": path_with(heroku.program)},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    yield app
    platform.api("DELETE", f"/apps/{name}")


def path_with(program: Path) -> str:
    """PATH on which git finds the CLI as its credential helper."""
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


def test_the_path_from_create_to_rollback(created, heroku):
    """create, push, config:set, releases, rollback, run, logs and ps, in Heroku's own words."""
    app = ("--app", created.name)
    assert created.get().text == "Hello one web.1 v3"
    assert "v4" in heroku("config:set", "GREETING=Ahoy", *app)
    wait_until(lambda: created.get().text == "Ahoy one web.1 v4")
    assert heroku("config:get", "GREETING", *app).strip().endswith("Ahoy")
    assert re.search(r"v4\s+Set GREETING config vars", heroku("releases", *app))
    assert "v5" in heroku("rollback", "v3", *app)
    wait_until(lambda: created.get().text == "Hello one web.1 v5")
    assert "hello from the dyno" in heroku.program_run(
        "run", "--exit-code", *app, "--", "echo hello from the dyno"
    )
    inside = heroku.program_run(
        "run:inside", "web.1", "--exit-code", *app, "--", "echo $DYNO; false", status=1
    )
    assert "web.1" in inside
    heroku("ps:scale", "web=2", *app)
    heroku("ps:wait", *app)
    assert "web.2: up" in heroku("ps", *app)
    logs = heroku.program_run("logs", "-n", "200", *app)
    assert "heroku[web.1]: State changed from starting to up" in logs


def test_what_it_shows(created, heroku):
    """Commands that list and show read Kedge's answers without a complaint."""
    app = ("--app", created.name)
    assert "owner@localhost" in heroku("whoami")
    assert created.name in heroku("apps")
    assert "kedge-13" in heroku("apps:info", *app)
    assert f"{created.name}.localhost" in heroku("domains", *app)
    assert "Deploy" in heroku("releases:info", "v3", *app)
    assert "Couldn't find that app" in heroku("apps:info", "--app", "no-such-app", status=2)
    assert "preboot" in heroku("features", *app)
    assert "no SSL certificates" in heroku("certs", *app)
    for listing in (("drains", *app), ("webhooks", *app), ("keys",)):
        heroku(*listing)


def test_what_it_changes(created, heroku):
    """Domains, features, stack, sizes and maintenance, in the ways the CLI goes about them."""
    app = ("--app", created.name)
    hostname = f"{created.name}.example.com"
    assert f"Adding {hostname}" in heroku("domains:add", hostname, *app)
    assert f"{created.name}.localhost" in heroku("domains:info", hostname, *app)
    assert "Couldn't find that SNI endpoint" in heroku(
        "domains:update", hostname, "--cert", "bubbly-1", *app, status=2
    )
    heroku("domains:remove", hostname, *app)
    heroku("labs:enable", "runtime-dyno-metadata", *app)
    heroku("features:enable", "preboot", *app, status=1)  # it is enabled already
    heroku("stack:set", "kedge-13", *app)
    heroku("ps:type", "web=standard-2x", *app)
    heroku("maintenance:on", *app)
    assert "on" in heroku("maintenance", *app)
    heroku("maintenance:off", *app)


def test_add_ons_and_people(new_app, heroku):
    """A database made, shared, backed up, not destroyed by mistake; people and tokens."""
    owner, other = new_app({}), new_app({})
    app, elsewhere = ("--app", owner.name), ("--app", other.name)
    plan = "heroku-postgresql:essential-0"
    assert "DATABASE_URL" in heroku("addons:create", plan, "--wait", *app)
    assert "Essential 0" in heroku("pg:info", *app)
    shared = heroku("addons:attach", f"{owner.name}::DATABASE", "--as", "ORDERS", *elsewhere)
    assert "Setting ORDERS config vars" in shared
    assert re.search(rf"essential-0 +\(billed to {owner.name} app\)", heroku("addons", *elsewhere))
    destroy = ("addons:destroy", "DATABASE", "--confirm", owner.name, *app)
    assert f"attached to {other.name} too" in re.sub(r"\s+", " ", heroku(*destroy, status=1))
    heroku("addons:detach", "ORDERS", *elsewhere)
    backed_up(heroku, owner.name)
    assert "done" in heroku(*destroy)
    assert "no account here" in heroku("access:add", "nobody@example.com", *app, status=2)
    assert "KDG-" in heroku("authorizations:create", "--scope", "read", "--short")


def backed_up(heroku, name):
    """pg: commands read the data API: a backup followed to its proof, shown, restored."""
    app = ("--app", name)
    assert "default" in heroku("pg:credentials", "DATABASE", *app)
    assert "done" in heroku("pg:backups:capture", *app)
    assert "Completed" in heroku("pg:backups", *app)
    assert "Verified" in heroku("pg:backups:info", "b001", *app)
    assert "/downloads/" in heroku("pg:backups:url", "b001", *app)
    heroku("pg:backups:schedule", "DATABASE", "--at", "02:00 UTC", *app)
    assert "daily at 2:00 UTC" in heroku("pg:backups:schedules", *app)
    assert "done" in heroku("pg:backups:restore", "b001", "DATABASE", *app, "--confirm", name)
