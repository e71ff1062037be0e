"""`kedge up`: prepare, start, wait until every part answers, watch, stop.

It holds the home's lock from the first step to the last. The parts are children of supervisord,
which starts again what dies; this process sees to supervisord, and to parts it has given up on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from kedge.errors import StartRefused
from kedge.home import installation as installations
from kedge.home import lock, procfile, start
from kedge.home.parts import Part
from kedge.home.signals import Signals
from kedge.home.start import Interrupted, Plan, Say
from kedge.home.stop import stop
from kedge.home.watch import Watch
from kedge.settings import Settings


def run(
    settings: Settings, *, say: Say, processes: Path | None = None, ready: Callable[[], None]
) -> int:
    """Run Kedge until a signal ends it; the exit status.

    Args:
        settings: of the installation.
        say: takes lines for the person who waits.
        processes: another Procfile than the checkout's own.
        ready: called once, when every part answers.
    """
    try:
        wanted = procfile.read(processes or procfile.OWN)
        installation = installations.establish(settings)
        with Signals() as signals, lock.held(settings.home):
            return _run(start.plan(installation, wanted, say), signals, say, ready)
    except StartRefused as refusal:
        say(f"Kedge cannot start: {refusal.reason}")
        say(refusal.remedy)
        return 1


def _run(plan: Plan, signals: Signals, say: Say, ready: Callable[[], None]) -> int:
    began = time.monotonic()
    installations.remember(plan.installation)
    try:
        watch = Watch(plan, say, _bring_up(plan, signals, say))
        say(f"Kedge is ready: {plan.installation.url}")
        ready()
        watch.until(signals)
        say("-----> Stopping")
    except Interrupted:
        say(f"Stopped after {time.monotonic() - began:.0f} s, before Kedge was ready.")
        return 1
    finally:
        stop(plan.installation, say)
    return 0


def _bring_up(plan: Plan, signals: Signals, say: Say) -> int:
    """Start everything and wait for it; the supervisor's process id."""
    if not start.take_over(plan, say):
        start.refuse_taken_ports(plan)
        start.launch(plan)
    servers = start.servers_of(plan)
    others = [part for part in plan.parts if part not in servers]
    say("-----> Starting " + _names(servers))
    start.start_parts(plan, servers)
    start.wait_until_up(plan, servers, signals)
    start.release(plan, say)
    if signals.wait(0):
        raise Interrupted
    say("-----> Starting " + _names(others))
    start.start_parts(plan, others)
    start.wait_until_up(plan, plan.parts, signals)
    return start.supervisor_pid(plan)


def _names(parts: list[Part]) -> str:
    return (
        ", ".join(part.name for part in parts if part.command is not None) or "nothing of our own"
    )
