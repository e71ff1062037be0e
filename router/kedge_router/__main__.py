"""`python -m kedge_router haproxy` and `python -m kedge_router agent`, under one supervisor."""

import os
import signal
import sys
import threading

from .errors import RouterError
from .haproxy import hold_lock, launch, make_folders, open_log
from .settings import Settings

USAGE = "usage: python -m kedge_router haproxy|agent   (settings: KEDGE_ROUTER_DIR and others)"


def run_agent(settings: Settings) -> None:
    """Serve the agent's API until told to end; waits while another agent still runs."""
    from .agent import Agent, stop_at_once  # noqa: PLC0415 - the launcher needs none of this
    from .api import Server  # noqa: PLC0415
    from .collect import collect  # noqa: PLC0415

    make_folders(settings)
    hold_lock(settings.agent_lock)
    agent = Agent(settings)
    log = open_log(settings)
    os.set_blocking(log, True)
    threading.excepthook = stop_at_once
    arguments = (log, agent.backlog, settings.first_byte_seconds * 1000)
    threading.Thread(target=collect, args=arguments, daemon=True).start()
    threading.Thread(target=agent.watch, daemon=True).start()
    Server(settings.agent_socket, agent).serve_forever(poll_interval=3600)


def main(words: list[str]) -> int:
    """Run the part that was named; 2 when the words or the settings are wrong."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        match words:
            case ["haproxy"]:
                launch(Settings.from_environ())
            case ["agent"]:
                run_agent(Settings.from_environ())
                return 0
    except RouterError as error:
        sys.stderr.write(f"kedge_router: {error}\n")
        return 2
    sys.stderr.write(USAGE + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
