"""The folder of one installation: where everything lies, whose it is, and its id."""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from kedge.errors import StartRefused
from kedge.settings import Settings, environment, load

LEAST_FREE_MB = 256
# Every part inherits this variable; `kedge down` finds by it what a kill -9 left behind.
MARKER = "KEDGE_INSTALLATION"
# Hosts below the domain that are the platform's own.
OWN_HOSTS = ("api", "git", "dashboard", "status")


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation. `id` (12 hex digits) is in the labels of its containers and networks."""

    settings: Settings
    id: str

    @property
    def home(self) -> Path:
        """Everything that must survive."""
        return self.settings.home

    @property
    def run_dir(self) -> Path:
        """Sockets and what is made anew at each start; its path is short."""
        return self.settings.run_dir

    @property
    def log_dir(self) -> Path:
        """One `<part>.log` each."""
        return self.home / "log"

    @property
    def router_dir(self) -> Path:
        """State and sockets of the router, by a short name: a link into the home."""
        return self.run_dir / "router"

    @property
    def postgres_socket_dir(self) -> Path:
        """Folder of the private PostgreSQL's socket, by a short name: a link into the home."""
        return self.run_dir / "postgres"

    @property
    def redis_socket(self) -> Path:
        """The private Redis server's socket."""
        return self.run_dir / "redis.sock"

    @property
    def web_socket(self) -> Path:
        """Where the `web` part listens, for the router."""
        return self.run_dir / "web.sock"

    @property
    def addons_socket(self) -> Path:
        """Where the `addons` part listens, for the platform."""
        return self.run_dir / "addons.sock"

    @property
    def supervisor_socket(self) -> Path:
        """Where the process supervisor takes orders."""
        return self.run_dir / "supervisor.sock"

    def ready_file(self, part: str) -> Path:
        """Touched by a part nobody can ask (it listens nowhere) once it is ready for its work.

        Taken away before each start of the part. One that never touches it counts as up when it
        has run for a few seconds.
        """
        return self.run_dir / f"{part}.ready"

    @property
    def stop_dynos_flag(self) -> Path:
        """There while Kedge stops and its dynos are to stop with it."""
        return self.run_dir / "stop-dynos"

    @property
    def url(self) -> str:
        """Where people reach it by HTTP."""
        return _url("http", self.settings.domain, self.settings.http_port, 80)

    @property
    def https_url(self) -> str:
        """Where people and the official CLI reach it by HTTPS."""
        return _url("https", self.settings.domain, self.settings.https_port, 443)


def find(settings: Settings) -> Installation | None:
    """The installation in the home as it was started last, None when it never was. Changes nothing.

    The environment of `kedge down` and `kedge status` need name the home only.
    """
    try:
        found = (settings.home / "installation").read_text().strip()
        return Installation(_as_started(settings), found)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise _of_another_user(settings.home) from None


def of(settings: Settings) -> Installation:
    """The installation a part belongs to. Raises StartRefused when the home has none."""
    found = find(settings)
    if found is None:
        reason = f"There is no installation in {settings.home}."
        raise StartRefused(reason, "Start one with: kedge up")
    return replace(found, settings=settings)


def remember(installation: Installation) -> None:
    """Write down with which settings it was started, and where the command line finds it."""
    values = environment(replace(installation.settings, secret_key=""))
    write_private(_memory(installation.settings), json.dumps(values))
    write_private(installation.home / "url", installation.url + "\n")


def _memory(settings: Settings) -> Path:
    return settings.home / "started-with.json"


def _as_started(settings: Settings) -> Settings:
    try:
        return load(json.loads(_memory(settings).read_text()) | {"KEDGE_HOME": str(settings.home)})
    except FileNotFoundError:
        return settings


def establish(settings: Settings) -> Installation:
    """The installation in the home, with its folders made where they are missing.

    Raises:
        StartRefused: the home is another user's, cannot be written, or its disk is full.
    """
    try:
        _own_folder(settings.home)
        _refuse_full_disk(settings.home)
        known = find(settings)
        found = replace(known, settings=settings) if known else _new(settings)
        _make_folders(found)
    except OSError as error:
        raise StartRefused(
            f"The home {settings.home} cannot be written: {error.strerror}.",
            "Make room, get the right to write there, or set KEDGE_HOME to another folder.",
        ) from error
    return found


def _new(settings: Settings) -> Installation:
    made = Installation(settings, secrets.token_hex(6))
    write_private(settings.home / "installation", made.id + "\n")
    return made


def _make_folders(installation: Installation) -> None:
    for name in ("log", "router", "router/certs", "postgres", "clock"):
        (installation.home / name).mkdir(mode=0o700, exist_ok=True)
    _own_folder(installation.run_dir)
    _link(installation.router_dir, installation.home / "router")
    _link(installation.postgres_socket_dir, installation.home / "postgres" / "socket")


def _link(name: Path, target: Path) -> None:
    """A short name for a folder: what counts for a unix socket is the path it is called by."""
    if not name.is_symlink() or name.readlink() != target:
        name.unlink(missing_ok=True)
        name.symlink_to(target)


def _own_folder(folder: Path) -> None:
    """Make it ours alone. A folder in /tmp or /run that somebody else laid there is refused."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat() if folder.parent == Path("/tmp") else folder.stat()  # noqa: S108
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(20, "it is not a folder") from None
        if found.st_uid != os.geteuid():
            raise _of_another_user(folder) from None
    folder.chmod(0o700)


def _of_another_user(folder: Path) -> StartRefused:
    owner = name_of_user(_owner(folder))
    return StartRefused(
        f"{folder} belongs to {owner}, and you are {name_of_user(os.geteuid())}.",
        f"Run this as {owner}, or set KEDGE_HOME to a folder of your own.",
    )


def _owner(folder: Path) -> int:
    """Whose it is; of a folder we may not even enter, whose the nearest one is that we see."""
    try:
        return folder.stat().st_uid
    except PermissionError:
        return _owner(folder.parent)


def name_of_user(uid: int) -> str:
    """The account's name, or `user 1234` where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _refuse_full_disk(folder: Path) -> None:
    free_mb = shutil.disk_usage(folder).free // 2**20
    if free_mb < LEAST_FREE_MB:
        raise StartRefused(
            f"The disk of {folder} is full: {free_mb} MB are free, {LEAST_FREE_MB} MB are needed.",
            "Make room (`docker system df` shows what images take), or move KEDGE_HOME.",
        )


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, for its owner's eyes only (0600)."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _url(scheme: str, host: str, port: int, usual_port: int) -> str:
    return f"{scheme}://{host}" if port == usual_port else f"{scheme}://{host}:{port}"
