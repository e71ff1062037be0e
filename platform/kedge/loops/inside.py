"""Commands inside dynos: who shows the secret of one is connected to it, and it begins."""

from __future__ import annotations

import json
from datetime import timedelta

import structlog
from sqlalchemy import select

from kedge.engine.protocols import Execution, Runtime
from kedge.errors import KedgeError
from kedge.loops.oneoff import NotStarted, size_of
from kedge.model.account import token_digest
from kedge.model.inside_run import InsideRun
from kedge.ops import inside_runs
from kedge.ops.services import Services

log = structlog.get_logger()
# As for a one-off dyno nobody attaches to (R13).
CLAIMED_WITHIN = timedelta(minutes=1)


class Insides:
    """Gives out the sessions of commands inside dynos, for the rendezvous server."""

    def __init__(self, services: Services, runtime: Runtime) -> None:
        self._services, self._runtime = services, runtime

    def claim(self, secret: str) -> Session | NotStarted | None:
        """The session of a secret, once; None for an unknown, used or old one."""
        row = self._take(secret)
        if row is None:
            return None
        try:
            return Session(self._services, row, self._execution(row))
        except KedgeError as error:
            log.warning("inside.failed", dyno=row.dyno.name, reason=error.message)
            note_end(self._services, row, None)
            return NotStarted(error)

    def _take(self, secret: str) -> InsideRun | None:
        query = select(InsideRun).where(InsideRun.attach_sha256 == token_digest(secret))
        with self._services.database.transaction() as tx:
            row = tx.scalar(query.with_for_update(of=InsideRun))
            if row is None or self._services.now() - row.created_at > CLAIMED_WITHIN:
                return None
            row.attach_sha256 = None
            return row

    def _execution(self, row: InsideRun) -> Execution:
        inside_runs.check(row.dyno)
        sealed = self._services.vault.open(row.sealed_env or b"", inside_runs.env_context(row.id))
        return self._runtime.execute(
            str(row.dyno.runtime_id),
            row.command,
            json.loads(sealed),
            tty=bool(row.attach.get("tty")),
        )


class Session:
    """One client and one command."""

    def __init__(self, services: Services, row: InsideRun, execution: Execution) -> None:
        self._services, self._row, self._execution = services, row, execution
        self._is_hung_up = False
        self.attachment = execution
        self.tty = bool(row.attach.get("tty"))
        self.size = size_of(row.attach)

    def start(self) -> None:
        """Start the command."""
        self._execution.start()

    def hang_up(self) -> None:
        """The client went away: the command gets SIGHUP, and is killed when it goes on."""
        self._is_hung_up = True
        self._execution.hang_up(self._services.settings.kill_seconds)

    def finished(self) -> None:
        """The streams are let go: note how it ended, where somebody waits to know."""
        status = None if self._is_hung_up else self._execution.exit_status()
        note_end(self._services, self._row, status)


def note_end(services: Services, row: InsideRun, exit_status: int | None) -> None:
    """Write down that a command has ended, and how, when that is known."""
    with services.database.transaction() as tx:
        found = tx.get(InsideRun, row.id)
        if found is not None:  # its app may have been destroyed meanwhile
            found.ended_at, found.exit_status = services.now(), exit_status
            found.sealed_env = None
