"""What `kedge up` does for as long as Kedge runs: nothing, until something needs it.

Parts that die are supervisord's business. This looks after what that leaves: supervisord itself,
and parts it gave up on. And it tells who watches the terminal what went down and came back.
"""

from __future__ import annotations

import datetime as dt
import time

from kedge.errors import StartRefused
from kedge.home import orphans, renewal, start
from kedge.home.signals import Signals
from kedge.home.start import Plan, Say
from kedge.home.supervision import LONGEST_PAUSE_SECONDS
from kedge.home.supervisor import Process, Supervisor

LOOK_SECONDS = 1.0
# Its orphans get less time than at an ordinary stop: everything is down until they are gone.
ORPHAN_SECONDS = 2.0
RUNNING = {"STARTING", "RUNNING"}


class Watch:
    """Looks after a started installation."""

    def __init__(self, plan: Plan, say: Say, supervisor_pid: int) -> None:
        self._plan = plan
        self._say = say
        self._supervisor_pid = supervisor_pid
        self._pids: dict[str, int | None] = {}

    def until(self, signals: Signals) -> None:
        """Watch until a stopping signal comes."""
        renew_at = time.monotonic() + renewal.LOOK_SECONDS
        while not signals.wait(LOOK_SECONDS):
            self.look()
            if time.monotonic() > renew_at:
                renew_at += renewal.LOOK_SECONDS
                renewal.renew(self._plan.installation, self._plan.environment, self._say)

    def look(self) -> None:
        """Look once, and mend what needs it."""
        if not orphans.lives(self._supervisor_pid):
            self._recover()
            return
        for process in Supervisor(self._plan.installation).processes().values():
            self._tell(process)
            self._revive(process)

    def _recover(self) -> None:
        """The supervisor died: its parts are nobody's children now. End them, and start over."""
        self._say("The process supervisor died; starting everything again.")
        orphans.end(orphans.find(self._plan.installation), ORPHAN_SECONDS)
        try:
            start.launch(self._plan)
        except StartRefused as refusal:  # the next look tries again
            self._say(refusal.message)
            return
        self._supervisor_pid = start.supervisor_pid(self._plan)
        start.start_parts(self._plan, self._plan.parts)

    def _revive(self, process: Process) -> None:
        """Have a part begun anew that the supervisor gave up on, after the longest pause."""
        paused = dt.datetime.now(dt.UTC) - (process.since or dt.datetime.min.replace(tzinfo=dt.UTC))
        if process.state == "FATAL" and paused.total_seconds() >= LONGEST_PAUSE_SECONDS:
            Supervisor(self._plan.installation).start(process)

    def _tell(self, process: Process) -> None:
        """Say when a part runs under another process id than at the last look."""
        before = self._pids.setdefault(process.name, process.pid)
        if before == process.pid:
            return
        self._pids[process.name] = process.pid
        if process.state in RUNNING:
            self._say(f"{process.name} was started again (pid {process.pid}).")
        else:
            self._say(f"{process.name} is down: {process.words}")
