"""An unprivileged account for servers that refuse to run as root.

As root, PostgreSQL's files stay in the home, which nobody else may enter (nor, often, the folders
above it). The server sees them all the same: in a mount namespace of its own they appear at
`/run/kedge-postgres-<id>`. So no permission is loosened anywhere, and one folder holds everything.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kedge.errors import StartRefused

NAME = "kedge-postgres"
# $0 the folder, $1 where it is to appear, $2 the account; the rest is the program.
CONFINED = (
    'mkdir -p "$1" && mount --bind "$0" "$1" && cd / && account=$2 && shift 2'
    ' && exec setpriv --reuid "$account" --regid "$account" --clear-groups'
    ' --inh-caps=-all --no-new-privs -- "$@"'
)
OTHERWISE = "Run Kedge as an ordinary user, or give it a server of yours by DATABASE_URL."


def needed() -> bool:
    """Whether we are root, and so need somebody else to run as."""
    return os.geteuid() == 0


def ensure() -> pwd.struct_passwd:
    """The account, made when it is missing.

    Raises:
        StartRefused: it cannot be made, or this root may not make mount namespaces (a container's).
    """
    refuse_without_namespaces()
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        _make()
        return pwd.getpwnam(NAME)


def confined(folder: Path, appears_at: Path, program: Sequence[str]) -> list[str]:
    """The command that runs a program as the account, with the folder where it can reach it."""
    shell = ["sh", "-c", CONFINED, str(folder), str(appears_at), NAME]
    return ["unshare", "--mount", "--propagation", "private", "--", *shell, *program]


def _make() -> None:
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", NAME]
    program = shutil.which(command[0], path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    made = subprocess.run(
        [program or "useradd", *command[1:]], capture_output=True, text=True, check=False
    )
    if made.returncode not in {0, 9}:  # 9: another start was quicker
        raise StartRefused(f"The account {NAME} cannot be made: {made.stderr.strip()}.", OTHERWISE)


def refuse_without_namespaces() -> None:
    """Raises StartRefused when this root may not make a mount namespace."""
    tried = subprocess.run(
        ["unshare", "--mount", "sh", "-c", ":"], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        raise StartRefused(
            f"PostgreSQL refuses root, and it cannot be confined: {tried.stderr.strip()}.",
            OTHERWISE,
        )
