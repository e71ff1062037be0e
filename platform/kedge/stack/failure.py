"""Why a stack image could not be made, in words, with what to do about it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from kedge.errors import StartRefused
from kedge.stack.mirror import KEYRING


class StackRefused(StartRefused):
    """A stack image could not be made; `remedy` says what to do."""

    id = "stack_refused"


@dataclass(frozen=True, slots=True)
class _Cause:
    """A cause by the words mmdebstrap and apt have for it."""

    words: str
    reason: str
    remedy: str


_KNOWN = (
    _Cause(
        words=r"No space left on device",
        reason="The disk is full.",
        remedy="The two images need about 4 GB while they are made. Free some space, or point "
        "TMPDIR at a larger disk.",
    ),
    _Cause(
        words=r"NO_PUBKEY|EXPKEYSIG|not signed|signature.* invalid|keyring",
        reason="The Debian mirror's signature could not be checked.",
        remedy="Install or update the package debian-archive-keyring.",
    ),
    _Cause(
        words=r"Temporary failure resolving|Could not (?:resolve|connect)|Failed to fetch"
        r"|Connection (?:timed out|refused)|Network is unreachable|Certificate verification failed",
        reason="The Debian mirror could not be reached.",
        remedy="Check that `apt-get update` works on this machine: Kedge uses the same mirror, "
        "proxy and certificates.",
    ),
    _Cause(
        words=r"Unable to locate package",
        reason="The Debian mirror lacks a package of the stack.",
        remedy="Use a complete mirror of Debian 13 in /etc/apt, or none, for the public one.",
    ),
    _Cause(
        words=r"newuidmap|newgidmap|subuid|unshare|chroot mode|[Oo]peration not permitted"
        r"|must be root",
        reason="Making an image needs root or user namespaces.",
        remedy="Run the command with sudo, or give your account a range in /etc/subuid and "
        "/etc/subgid and install the package uidmap.",
    ),
    _Cause(
        words=r"nodev|noexec",
        reason="The folder for temporary files is mounted noexec or nodev.",
        remedy="Point TMPDIR at a folder on an ordinary disk.",
    ),
)


def explain(name: str, status: int, tail: list[str]) -> StackRefused:
    """Mmdebstrap's exit status and last lines as an error; `name` is the image's."""
    text = "\n".join(tail)
    for cause in _KNOWN:
        if re.search(cause.words, text):
            return StackRefused(f"The {name} image could not be made. {cause.reason}", cause.remedy)
    last = "\n".join(tail[-8:])
    return StackRefused(
        f"The {name} image could not be made: mmdebstrap ended with status {status}:\n{last}",
        "Try again; if it stays so, run the same on a fresh Debian or Ubuntu machine.",
    )


def require_programs(keyring: Path = KEYRING) -> None:
    """Raise StackRefused unless mmdebstrap, apt and Debian's keyring are on this machine."""
    for program, package in (("mmdebstrap", "mmdebstrap"), ("apt-get", "apt")):
        if shutil.which(program) is None:
            raise StackRefused(
                f"{program} is missing: the stack images are made of Debian packages with it.",
                f"Install it: sudo apt-get install {package} debian-archive-keyring",
            )
    if not keyring.exists():
        raise StackRefused(
            f"Debian's keyring {keyring} is missing, so packages could not be checked.",
            "Install it: sudo apt-get install debian-archive-keyring",
        )


_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def require_same_architecture(engine: str, machine: str) -> None:
    """Raise StackRefused when images made on this `machine` cannot run on the `engine`'s."""
    if _MACHINES.get(engine, engine) != _MACHINES.get(machine, machine):
        raise StackRefused(
            f"The Docker engine runs on {engine}, this machine is {machine}: "
            "images made here would not run there.",
            "Build the stack on a machine of the engine's architecture.",
        )
