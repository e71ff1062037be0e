"""The private PostgreSQL server: a unix socket in the home, no port, no password.

The socket's folder is what protects it: nobody but the installation's user may enter.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

from kedge.errors import StartRefused
from kedge.home import account
from kedge.home.installation import Installation

INSTALL = "Run `make setup`, or install the Debian package postgresql, or set DATABASE_URL."
# Small on purpose: the control plane's tables fit in memory many times over. Just-in-time
# compilation would load 50 MB of LLVM into each server process.
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "max_worker_processes": "2",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_max_workers": "2",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "huge_pages": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def url(installation: Installation) -> str:
    """The database to use: the one given, else the private server's."""
    return installation.settings.database_url or private_url(installation)


def private_url(installation: Installation) -> str:
    """The database `kedge` of the private server."""
    folder = quote(str(installation.postgres_socket_dir), safe="/")
    return f"postgresql://kedge@/kedge?host={folder}"


def prepare(installation: Installation) -> list[str]:
    """Make the data folder where there is none; the command that runs the server.

    Raises:
        StartRefused: no PostgreSQL here, the data are another version's, or initdb failed.
    """
    folder = installation.home / "postgres"
    programs = programs_for(_version_of_data(folder / "data"))
    _make_folders(folder)
    if not (folder / "data").exists():
        _initialise(installation, programs)
    options = [f"-c{name}={value}" for name, value in _settings(installation).items()]
    data = _seen(installation, folder) / "data"
    return _as_account(installation, [str(programs / "postgres"), "-D", str(data), *options])


def cease(installation: Installation) -> None:
    """Take away the empty folder the server's files appeared at."""
    place = _appears_at(installation)
    if account.needed() and place.is_dir():
        place.rmdir()


def programs_for(version: str | None) -> Path:
    """The folder of PostgreSQL's programs: of that major version, or the newest when None.

    Raises:
        StartRefused: there are none, or none of that version.
    """
    found = installed()
    if not found:
        raise StartRefused("No PostgreSQL server is installed on this machine.", INSTALL)
    if version is None:
        return found[max(found, key=int)]
    if version not in found:
        raise StartRefused(
            f"The data are PostgreSQL {version}'s, and there is {', '.join(sorted(found))} here.",
            f"Install version {version} beside it (Debian: apt-get install postgresql-{version}), "
            "or move the data with pg_upgrade.",
        )
    return found[version]


def installed() -> dict[str, Path]:
    """Major version → folder of programs, for every PostgreSQL server on this machine."""
    # Debian keeps them off PATH; Red Hat likewise.
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return {
        _version_of_programs(folder): folder for folder in folders if (folder / "initdb").exists()
    }


def _version_of_programs(folder: Path) -> str:
    words = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return words.stdout.split()[2].split(".")[0]  # postgres (PostgreSQL) 15.18 (Debian …)


def _version_of_data(data: Path) -> str | None:
    try:
        return (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return None


def _make_folders(folder: Path) -> None:
    owner = account.ensure() if account.needed() else None
    for path in (folder, folder / "socket"):
        path.mkdir(mode=0o700, exist_ok=True)
        if owner:
            os.chown(path, owner.pw_uid, owner.pw_gid)


def _initialise(installation: Installation, programs: Path) -> None:
    """Make the data folder under another name first: a killed start leaves no half of one."""
    folder = installation.home / "postgres"
    shutil.rmtree(folder / "new", ignore_errors=True)
    target = _seen(installation, folder) / "new"
    command = [str(programs / "initdb"), "-D", str(target), "-U", "kedge", "--auth=trust"]
    command = _as_account(
        installation, [*command, "--encoding=UTF8", "--no-locale", "--no-instructions"]
    )
    made = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if made.returncode:
        reason = made.stderr.strip() or made.stdout.strip()
        raise StartRefused(
            f"PostgreSQL's data folder cannot be made: {reason}",
            "Mend what it says, then start again; nothing half-made was kept.",
        )
    (folder / "new").rename(folder / "data")


def _settings(installation: Installation) -> dict[str, str]:
    sockets = _seen(installation, installation.home / "postgres") / "socket"
    if not account.needed():
        sockets = installation.postgres_socket_dir  # the short name of the same folder
    return {**SETTINGS, "unix_socket_directories": str(sockets), "unix_socket_permissions": "0700"}


def _appears_at(installation: Installation) -> Path:
    return Path("/run") / f"kedge-postgres-{installation.id}"


def _seen(installation: Installation, folder: Path) -> Path:
    """The folder as the server sees it."""
    return _appears_at(installation) if account.needed() else folder


def _as_account(installation: Installation, program: list[str]) -> list[str]:
    if not account.needed():
        return program
    place = _appears_at(installation)
    place.mkdir(mode=0o700, exist_ok=True)
    return account.confined(installation.home / "postgres", place, program)
