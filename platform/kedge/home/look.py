"""The machine as the `web` part sees it, for the owners' page of the platform.

What takes seconds is looked at beside the requests, and kept. Where Docker is the supervisor
(docs/compose.md), parts are asked over the sockets they share; those that listen nowhere are not
seen from here.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

import kedge
from kedge.engine.protocols.machine import Certificate, Disk, Finding, PartSeen, Survey
from kedge.home import certificates, installation, parts, procfile
from kedge.home.installation import Installation
from kedge.home.parts import Part, probe_of
from kedge.home.probes import probed
from kedge.home.status import look
from kedge.home.supervisor import Supervisor
from kedge.settings import Settings

log = structlog.get_logger()
KEPT = dt.timedelta(minutes=10)
ELSEWHERE = "looked after by its own supervisor: `docker compose ps` tells"
# Which finding of `kedge doctor` tells a part's version.
VERSION_OF = {
    "postgres": "PostgreSQL", "redis": "Redis", "haproxy": "HAProxy", "docker": "Docker engine",
}  # fmt: skip
NUMBER = re.compile(r"\d+(?:\.\d+)+")
FOLDERS = {
    "postgres": "Database", "slugs": "Slugs", "sources": "Sources", "repos": "Git repositories",
    "logs": "Logs of apps", "log": "Logs of the parts", "backups": "Backups",
}  # fmt: skip


class ThisMachine:
    """The machine of an installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._survey: Survey | None = None
        self._looking = threading.Lock()

    def parts(self) -> Sequence[PartSeen]:
        """Every part as it is now."""
        found = installation.find(self._settings)
        if found is None or not procfile.OWN.exists():
            return ()
        listed = parts.of(found, procfile.read(procfile.OWN))
        if not found.supervisor_socket.exists():
            return [_asked(found, part) for part in listed]
        processes = Supervisor(found).processes()
        seen = (look(found, part, processes) for part in listed)
        return [PartSeen(each.name, each.state, each.since, each.detail) for each in seen]

    def survey(self) -> Survey | None:
        """The newest survey; one that is missing or old is begun."""
        found = self._survey
        if found is None or dt.datetime.now(dt.UTC) - found.at > KEPT:
            self.look_again()
        return found

    def look_again(self) -> None:
        """Begin another survey, unless one is under way."""
        if self._looking.acquire(blocking=False):
            threading.Thread(target=self._look, name="survey", daemon=True).start()

    @property
    def is_looking(self) -> bool:
        """Whether a survey is under way."""
        return self._looking.locked()

    def _look(self) -> None:
        try:
            self._survey = survey(self._settings)
        except Exception:  # a check that breaks must not keep the page from trying again
            log.exception("survey.failed")
        finally:
            self._looking.release()


def survey(settings: Settings) -> Survey:
    """Look at everything."""
    found = installation.find(settings)
    findings = tuple(_findings(settings, found))
    return Survey(
        dt.datetime.now(dt.UTC), findings, tuple(_certificates(settings.home)),
        disk(settings.home), _versions(findings),
    )  # fmt: skip


def disk(home: Path) -> Disk:
    """The disk of the home, and what the home's folders take."""
    usage = shutil.disk_usage(home)
    sizes = ((words, _size(home / name)) for name, words in FOLDERS.items())
    uses = sorted(((words, size) for words, size in sizes if size), key=lambda each: -each[1])
    return Disk(usage.total, usage.free, tuple(uses))


def _findings(settings: Settings, found: Installation | None) -> Iterator[Finding]:
    from kedge.home import doctor, machine  # only owners' looks need them

    if found and found.supervisor_socket.exists():
        yield from doctor.findings(found.settings, found, None, ports_too=False)
        return
    for check in machine.INSIDE:
        yield from check(settings)


def _asked(found: Installation, part: Part) -> PartSeen:
    probe = probe_of(part.name, found)
    if probe is None or part.name == "docker":
        return PartSeen(part.name, "unseen", None, ELSEWHERE)
    trouble = probed(probe)
    return PartSeen(part.name, "down" if trouble else "up", None, trouble)


def _certificates(home: Path) -> Iterator[Certificate]:
    for path in sorted(certificates.default_path(home).parent.glob("*.pem")):
        try:
            yield certificates.described(path)
        except (OSError, ValueError) as error:
            log.warning("survey.certificate", path=str(path), reason=str(error))


def _versions(findings: Sequence[Finding]) -> dict[str, str]:
    details = {each.name: each.detail for each in findings if each.ok}
    told = {part: _number(details[name]) for part, name in VERSION_OF.items() if name in details}
    return told | {"kedge": kedge.__version__}


def _number(detail: str) -> str:
    """The version in what a program says of itself: `15.18` of `postgres (PostgreSQL) 15.18`."""
    found = NUMBER.search(detail)
    return found[0] if found else detail


def _size(folder: Path) -> int:
    """Bytes below a folder, as the disk counts them. What goes meanwhile is left out."""
    total = 0
    try:
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                total += _size(path)
            else:
                total += path.lstat().st_blocks * 512
    except OSError as error:
        log.debug("survey.unread", path=str(folder), reason=error.strerror)
    return total
