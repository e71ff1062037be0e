"""`kedge doctor`: what of this machine and this installation is not as Kedge needs it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from kedge.errors import KedgeError
from kedge.home import certificates, machine, ports
from kedge.home.findings import Finding, finding
from kedge.home.installation import Installation
from kedge.home.status import Status
from kedge.settings import Settings

CERTIFICATE_DAYS = 14


def findings(
    settings: Settings,
    found: Installation | None,
    status: Status | None,
    *,
    ports_too: bool = True,
) -> list[Finding]:
    """Everything looked at, good and bad.

    Args:
        settings: of the installation that runs, or would run.
        found: the installation in the home, None before the first start.
        status: its parts now, None when it does not run.
        ports_too: whether its ports are free counts, where it does not run.
    """
    seen = [finding for check in machine.CHECKS for finding in check(settings)]
    if found:
        seen += [*_home(found), *_certificate(found), *_dyno_network(found)]
    if status:
        seen += list(_parts(status))
    elif ports_too:
        seen += list(_ports(settings))
    return seen


def _ports(settings: Settings) -> Iterator[Finding]:
    for port in ports.wanted(settings):
        trouble = ports.trouble_with(settings.bind, port.number)
        yield finding(
            f"port {port.number}", not trouble, trouble or "free", ports.remedy(port, trouble or "")
        )


def _home(found: Installation) -> Iterator[Finding]:
    mode = found.home.stat().st_mode & 0o777
    remedy = f"Others may look into it: chmod 700 {found.home}"
    yield finding("home", mode & 0o077 == 0, f"{found.home} (mode {mode:o})", remedy)


def _certificate(found: Installation) -> Iterator[Finding]:
    path = certificates.default_path(found.home)
    try:
        left = certificates.expires_at(path) - dt.datetime.now(dt.UTC)
    except (OSError, ValueError) as error:
        detail = f"{path}: {error}"
        yield Finding(
            "certificate", ok=False, detail=detail, remedy="The next `kedge up` makes one."
        )
        return
    remedy = "The next `kedge up` renews it: `kedge down && kedge up --detach`."
    detail = f"ends in {left.days} days"
    yield finding("certificate", left.days >= CERTIFICATE_DAYS, detail, remedy)


def _dyno_network(found: Installation) -> Iterator[Finding]:
    from kedge.engine.docker.client import Engine  # the SDK is slow to load
    from kedge.engine.docker.site import Site

    engine = Engine(found.settings.docker_host, found.id)
    try:
        trouble = Site(engine, found.settings).check()
    except KedgeError as error:
        trouble = [error.message]
    remedy = "It is put in force again when the `dynos` part starts: see log/dynos.log in the home."
    yield finding(
        "dyno network and firewall", not trouble, "; ".join(trouble) or "in force", remedy
    )


def _parts(status: Status) -> Iterator[Finding]:
    for part in status.parts:
        remedy = f"Its log is log/{part.name}.log in the home."
        detail = part.state + (f": {part.detail}" if part.detail else "")
        yield finding(f"part {part.name}", part.state == "up", detail, remedy)
