"""Statements in the server of an add-on, as its superuser, over the socket inside its container.

They go by standard input, so no password is an argument of a program. Roles' passwords are told as
SCRAM verifiers: neither the server nor its logs ever see one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kedge_addons.errors import Away
from kedge_addons.execution import Failed
from kedge_addons.instances import Instances
from kedge_addons.postgres.server import SOCKET_DIR
from kedge_addons.resource import Resource

SCRAM_ROUNDS = 4096  # PostgreSQL's own `scram_iterations`
START_SECONDS = 45
PSQL = ("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", SOCKET_DIR, "-U", "postgres")
# The server may be on its way up: a new cluster takes a second, recovery after a crash longer.
WAITING = f"""for _ in $(seq {START_SECONDS * 20}); do
  pg_isready -q -h {SOCKET_DIR} -U postgres && break
  sleep 0.05
done
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Sql:
    """The server of one resource."""

    instances: Instances
    resource: Resource

    def run(self, statements: str, database: str = "postgres", *, wait: bool = False) -> str:
        """What psql writes, without headers; with `wait` for a server that is on its way up.

        Raises:
            Away: the server does not answer, or refused a statement.
        """
        command: Sequence[str] = [*PSQL, "-d", database]
        if wait:
            command = ["bash", "-c", WAITING, "bash", *command]
        seconds = START_SECONDS + 15.0 if wait else 30.0
        try:
            given = statements.encode()
            return self.instances.run(self.resource.id, command, given, seconds=seconds)
        except Failed as error:
            raise Away(f"PostgreSQL refused: {_first_line(error.stderr)}") from error

    def ask(self, query: str, database: str = "postgres") -> Any:
        """The rows of a query as a list of mappings. Raises as `run`."""
        wrapped = f"SELECT coalesce(json_agg(row_to_json(r)), '[]') FROM ({query}) r;"  # noqa: S608
        return json.loads(self.run(wrapped, database))


def literal(value: str) -> str:
    """A text as a literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def verifier(password: str) -> str:
    """What the server keeps of a password (RFC 5803): it can check it, and not tell it."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_, stored_, server_ = (base64.b64encode(each).decode() for each in (salt, stored, server))
    return f"SCRAM-SHA-256${SCRAM_ROUNDS}:{salt_}${stored_}:{server_}"


def _first_line(stderr: str) -> str:
    """The complaint itself, without the statement it was about."""
    lines = [line for line in stderr.splitlines() if "ERROR" in line or "FATAL" in line]
    return (lines or stderr.splitlines() or ["without a word"])[0][:300]
