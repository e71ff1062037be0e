"""Where the packages come from: this machine's own Debian mirror, proxy and certificates, if it
has them.

A machine that runs Debian has a mirror that works; a machine that runs something else (Ubuntu) has
apt settings that work, and the public mirror is reached with those.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from kedge.stack.recipe import SUITE

PUBLIC_MIRROR = "http://deb.debian.org/debian"
PUBLIC_SECURITY_MIRROR = "http://security.debian.org/debian-security"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

_KEPT_OPTION = re.compile(
    r"Acquire::(https?::|ftp::|Retries\b|Check-Valid-Until\b|Check-Date\b|ForceIPv[46]\b)",
    re.IGNORECASE,
)
_OWN_OPTIONS = 'Acquire::Languages "none";\nAcquire::Retries "3";\n'


def host_sources(etc_apt: Path = Path("/etc/apt")) -> list[str]:
    """All `URI suite` pairs of this machine's apt sources, one-line and deb822 files alike."""
    pairs: list[str] = []
    for file in sorted([*etc_apt.glob("sources.list"), *etc_apt.glob("sources.list.d/*")]):
        text = file.read_text(errors="replace")
        if file.suffix == ".sources":
            pairs += _deb822_pairs(text)
        elif file.suffix == ".list":
            pairs += _one_line_pairs(text)
    return pairs


def _deb822_pairs(text: str) -> Iterable[str]:
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*)$", "\n".join(lines), re.MULTILINE))
        if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes") != "no":
            for uri in fields.get("URIs", "").split():
                yield from (f"{uri} {suite}" for suite in fields.get("Suites", "").split())


def _one_line_pairs(text: str) -> Iterable[str]:
    return (
        f"{uri} {suite}"
        for uri, suite in re.findall(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)", text, re.MULTILINE)
    )


def choose_mirrors(pairs: Iterable[str]) -> tuple[str, str]:
    """(main mirror, security mirror): the machine's where its sources are Debian's, else the
    public.

    Debian's are told by their suites' names; a vendor's own archive ends in neither `/debian`
    nor `/debian-security`.
    """
    main, security = "", ""
    for pair in pairs:
        uri, suite = pair.split()
        bare = uri.rstrip("/")
        if bare.endswith("/debian-security") and suite.endswith("-security"):
            security = security or bare
        elif bare.endswith("/debian"):
            main = main or bare
    return main or PUBLIC_MIRROR, security or PUBLIC_SECURITY_MIRROR


def source_lines(mirrors: tuple[str, str], keyring: Path = KEYRING) -> tuple[str, ...]:
    """The three source lines of the stack's suite: the release, its updates, its security
    updates.
    """
    main, security = mirrors
    signed = f"[signed-by={keyring}]"
    return (
        f"deb {signed} {main} {SUITE} main",
        f"deb {signed} {main} {SUITE}-updates main",
        f"deb {signed} {security} {SUITE}-security main",
    )


def kept_apt_options(dump: str) -> str:
    """Of `apt-config dump`, the lines about reaching a mirror (proxy, certificates, retries)."""
    kept = [
        line
        for line in dump.splitlines()
        if _KEPT_OPTION.match(line) and not re.search(r'\s"";$', line)
    ]
    return _OWN_OPTIONS + "".join(f"{line}\n" for line in kept)


def host_apt_options() -> str:
    """This machine's apt options for reaching a mirror, as an apt.conf."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    return kept_apt_options(dump.stdout)
