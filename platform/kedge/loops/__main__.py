"""`python -m kedge.loops`: the Procfile's `dynos`."""

from __future__ import annotations

import signal

import structlog

from kedge import services as bound
from kedge import settings as configuration
from kedge.engine.docker.runtime import DockerRuntime
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
    log.info("supervisor.started", installation=installation.id)
    while not supervisor.stopping.wait(1.0):
        pass
    supervisor.stop()
    if installation.stop_dynos_flag.exists():
        stop_all_dynos(runtime)


main()
