"""The Procfile's `dynos`: the supervisor and the door to attached dynos, on the real engines."""

from __future__ import annotations

import signal
import uuid
from functools import partial

import structlog

from kedge import services as bound
from kedge import settings as configuration
from kedge.engine.docker.builder import DockerBuilder
from kedge.engine.docker.runtime import DockerRuntime
from kedge.engine.git import Repositories
from kedge.engine.protocols import Router
from kedge.engine.rendezvous import RendezvousServer
from kedge.engine.router import AgentRouter
from kedge.errors import StartRefused
from kedge.home import installation as installations
from kedge.home import ports
from kedge.home.certificates import issue
from kedge.home.installation import Installation
from kedge.home.ports import Port
from kedge.log import configure
from kedge.loops.certificates import Certificates
from kedge.loops.drains import Drains
from kedge.loops.rollout import Belongings
from kedge.loops.shutdown import stop_all_dynos
from kedge.loops.supervisor import Supervisor
from kedge.ops.services import Services
from kedge.settings import Settings

log = structlog.get_logger()
DRAIN_SECONDS = 1.0


def main() -> None:
    """Run until SIGTERM."""
    settings = configuration.load()
    configure(settings.log_level)
    installation = installations.of(settings)
    services = bound.bind(settings)
    runtime = DockerRuntime(settings, installation.id, services.slugs)
    router = AgentRouter(str(installation.router_dir / "agent.sock"))
    belongings = _belongings(settings, installation, services, router)
    drains = Drains(services, bound.log_sender(settings), settings.home / "log-drains.json")
    supervisor = Supervisor(services, runtime, router, belongings, {drains.look: DRAIN_SECONDS})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stopping.set())
    try:
        _open_door(settings, installation, supervisor)
    except StartRefused as refused:
        raise SystemExit(str(refused)) from refused
    supervisor.start()
    installation.ready_file("dynos").touch()
    log.info("supervisor.started", installation=installation.id)
    while not supervisor.stopping.wait(1.0):
        pass
    supervisor.stop()
    if installation.stop_dynos_flag.exists():
        stop_all_dynos(runtime)


def _open_door(settings: Settings, installation: Installation, supervisor: Supervisor) -> None:
    """Let clients of attached dynos in.

    Raises:
        StartRefused: somebody else has the port, or the certificate cannot be read.
    """
    certificate = installation.router_dir / "certs" / "default.pem"
    door = RendezvousServer(
        settings.bind,
        settings.rendezvous_port_in_use,
        certificate,
        lambda secret: supervisor.one_offs.claim(secret) or supervisor.insides.claim(secret),
    )
    try:
        door.start()
    except OSError as error:
        ports.refuse(Port(settings.rendezvous_port_in_use, "rendezvous_port"), settings.bind)
        reason = f"Attached dynos cannot be reached by TLS: {certificate}: {error.strerror}."
        raise StartRefused(reason, "Start Kedge again, which makes it: kedge up") from error


def _belongings(
    settings: Settings, installation: Installation, services: Services, router: Router
) -> Belongings:
    repositories = Repositories(settings.home / "repos", settings.source_limit_mb)
    builder = DockerBuilder(settings, installation.id, services.slugs)

    def forget_files(app_id: uuid.UUID) -> None:
        repositories.forget(app_id)
        builder.forget_app(app_id)

    register = settings.home / "certificates.json"
    certificates = Certificates(router, partial(issue, settings.home), register)
    return Belongings(certificates, forget_files)


if __name__ == "__main__":
    main()
