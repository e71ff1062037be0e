"""A browser before the dashboard as Gunicorn serves it, on PostgreSQL and Redis of its own.

Server and browser live as long as the session; each test has people and apps of its own.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from browser.places import free_port, wait_until

ROOT = Path(__file__).parents[2]
THREADS = 64
PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    """A Redis of our own."""
    socket = tmp_path_factory.mktemp("r") / "r.sock"
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    words = [program, "--port", "0", "--unixsocket", str(socket), "--save", ""]
    with subprocess.Popen(words, cwd=socket.parent, stdout=subprocess.DEVNULL) as server:
        wait_until(socket.exists)
        yield f"unix://{socket}"
        server.kill()


@pytest.fixture(scope="session")
def platform(postgres, redis_url, tmp_path_factory):
    """The platform: its `services` in this process, its `url` at the web process."""
    from kedge.ops import accounts
    from kedge.services import bind
    from kedge.settings import Settings
    from kedge.vault import new_key

    home = tmp_path_factory.mktemp("home")
    (home / "secret.key").write_text(new_key() + "\n")
    (home / "run").mkdir()
    name = postgres.create()
    settings = Settings(
        home=home, database_url=postgres.url(name), redis_url=redis_url, source_private=True
    )
    services = bind(settings)
    token = accounts.ensure_owner(services, settings.owner)
    with Web(settings) as url:
        yield SimpleNamespace(
            services=services, url=url, owner=accounts.authenticate(services, token)
        )
    services.database.close()
    postgres.drop(name)


class Web:
    """The Procfile's `web` on a port of its own."""

    def __init__(self, settings, threads=THREADS):
        self.port = free_port()
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "platform"),
            "KEDGE_HOME": str(settings.home),
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "KEDGE_WEB_THREADS": str(threads),
            "KEDGE_LOG_LEVEL": "warning",
            "KEDGE_SOURCE_PRIVATE": "1",  # providers of tests are on this machine
        }
        words = ["--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread", "--workers", "1"]
        words += ["--threads", str(threads), "--keep-alive", "65", "--graceful-timeout", "1"]
        words += ["--no-control-socket", "--forwarded-allow-ips", "*", "--log-level", "warning"]
        command = [sys.executable, "-m", "gunicorn", *words, "kedge.web:application"]
        self.server = subprocess.Popen(command, env=environ, cwd=ROOT)

    def __enter__(self):
        url = f"http://localhost:{self.port}"
        wait_until(lambda: _answers(url))
        return url

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait(timeout=30)


def _answers(url):
    try:
        return (
            httpx.get(f"{url}/health", trust_env=False, timeout=5, verify=False).status_code == 200
        )
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def people(platform):
    """Makes accounts, and signs them in."""
    return People(platform)


class People:
    """Accounts of a test."""

    def __init__(self, platform):
        self.platform, self.services = platform, platform.services

    def make(self, *, is_owner=False, password=PASSWORD):
        """An account with a password; its actor."""
        from kedge.model.account import Account
        from kedge.ops.authorize import Actor

        with self.services.database.transaction() as tx:
            email = f"p{uuid.uuid4().hex[:8]}@example.com"
            account = Account(email=email, is_owner=is_owner, password=_hashed(password))
            tx.add(account)
            tx.flush()
            return Actor(account.id, account.email, account.is_owner)

    def session(self, actor):
        """The token of a session of theirs."""
        from kedge.model.account import Account
        from kedge.ops import sessions

        with self.services.database.transaction() as tx:
            account = tx.get_one(Account, actor.account_id)
            client = sessions.Client("127.0.0.1", "test")
            return sessions.open_session(self.services, tx, account, client)

    def cookie(self, actor):
        """The cookie of a session of theirs, as Playwright takes it."""
        token = self.session(actor)
        return {"name": "kedge-session", "value": token, "url": self.platform.url}

    def client(self, actor=None):
        """A client of HTTP that is signed in as them, or nobody."""
        cookies = {"kedge-session": self.session(actor)} if actor else {}
        return httpx.Client(
            base_url=self.platform.url, cookies=cookies, trust_env=False, timeout=30,
            headers={"Origin": self.platform.url}, verify=False,
        )  # fmt: skip

    def token(self, client, path="/dashboard/new"):
        """The token of a page's forms."""
        return re.search(r'name="token" value="([^"]+)"', client.get(path).text)[1]


@functools.cache
def _hashed(password):
    """Hashes cost what a guess shall cost: one for each password is enough."""
    from kedge.ops import passwords

    return passwords.hashed(password) if password else None


@pytest.fixture
def owner(people):
    """Somebody who owns an installation of many, with apps of their own."""
    return people.make()


@pytest.fixture(scope="session")
def wardrobe(chromium, platform):
    """Browsers of their own for people, lent out and taken back with what they have in memory."""
    return Wardrobe(chromium, platform.url)


class Wardrobe:
    """Contexts of the one browser by how they look: a used one has the pages' assets already."""

    def __init__(self, chromium, url):
        self._chromium, self._url, self._free = chromium, url, {}

    def lend(self, *, dark=False, phone=False, scripts=True, once=False):
        """A context without cookies that nobody else has; `once` for one that will be spoilt."""
        look = (dark, phone, scripts)
        if not (context := (self._free.get(look) or [None]).pop()):
            context = self._chromium.new_context(
                base_url=self._url,
                viewport={"width": 390, "height": 844} if phone else {"width": 1280, "height": 860},
                color_scheme="dark" if dark else "light",
                java_script_enabled=scripts,
                has_touch=phone,
                reduced_motion="reduce",
            )
            context.set_default_timeout(10_000)
        return None if once else look, context

    def take_back(self, look, context):
        """Its pages are closed; who comes next is somebody else."""
        for page in context.pages:
            page.close()
        context.clear_cookies()
        if look is None:
            context.close()
            return
        self._free.setdefault(look, []).append(context)


@pytest.fixture
def visitor(wardrobe):
    """Opens pages as somebody, each person with a browser of their own; none may break a rule."""
    opened = []

    def visit(actor_cookie=None, **look):
        lent = wardrobe.lend(**look)
        if actor_cookie:
            lent[1].add_cookies([actor_cookie])
        page = lent[1].new_page()
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: _note(faults, message))
        opened.append((lent, faults))
        return page

    yield visit
    for lent, faults in opened:
        wardrobe.take_back(*lent)
        assert faults == []


def _note(faults, message):
    """Errors of scripts and violations of the policy; a refusal that was asked for is none."""
    if message.type == "error" and "the server responded with a status of" not in message.text:
        faults.append(message.text)


@pytest.fixture
def signed_in(visitor, people, owner):
    """A page of somebody who owns the test's apps."""
    return visitor(people.cookie(owner))


@pytest.fixture
def shop(platform, owner):
    """An app with code that runs, under a name of its own."""
    from browser.shop import Shop

    return Shop(platform.services, owner, f"shop-{uuid.uuid4().hex[:8]}").deployed()


@pytest.fixture
def fresh(platform, owner):
    """An app without code."""
    from browser.shop import Shop

    return Shop(platform.services, owner, f"fresh-{uuid.uuid4().hex[:8]}")
