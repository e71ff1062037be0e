"""The Procfile's `dynos`: the supervisor and the door to attached dynos, on the real engines."""

from __future__ import annotations

import signal

import structlog

from kedge import services as bound
from kedge import settings as configuration
from kedge.engine.docker.runtime import DockerRuntime
from kedge.engine.rendezvous import RendezvousServer
from kedge.engine.router import AgentRouter
from kedge.home import installation as installations
from kedge.log import configure
from kedge.loops.shutdown import stop_all_dynos
from kedge.loops.supervisor import Supervisor

log = structlog.get_logger()


def main() -> None:
    """Run until SIGTERM."""
    settings = configuration.load()
    configure(settings.log_level)
    installation = installations.of(settings)
    services = bound.bind(settings)
    runtime = DockerRuntime(settings, installation.id, services.slugs)
    router = AgentRouter(str(installation.router_dir / "agent.sock"))
    supervisor = Supervisor(services, runtime, router)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stopping.set())
    supervisor.start()
    RendezvousServer(
        settings.bind,
        settings.rendezvous_port_in_use,
        installation.router_dir / "certs" / "default.pem",
        supervisor.one_offs.claim,
    ).start()
    log.info("supervisor.started", installation=installation.id)
    while not supervisor.stopping.wait(1.0):
        pass
    supervisor.stop()
    if installation.stop_dynos_flag.exists():
        stop_all_dynos(runtime)


if __name__ == "__main__":
    main()
