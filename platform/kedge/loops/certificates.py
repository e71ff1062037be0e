"""Each app's certificate, signed by the platform's own authority, where the router serves it.

Which names are certified until when is written down in the home, so that a restart issues nothing
anew. Issued again when an app's names change, and well before the end.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from kedge.engine.protocols import Router
from kedge.errors import KedgeError

log = structlog.get_logger()
LIFETIME = timedelta(days=365)
RENEWED_BEFORE_END = timedelta(days=120)


class Certificates:
    """Certifies apps' names. `issue` gives chain and key for names as one PEM."""

    def __init__(
        self, router: Router, issue: Callable[[Sequence[str]], str], register: Path
    ) -> None:
        self._router, self._issue, self._register = router, issue, register
        self._lock = threading.Lock()
        self._known: dict[str, Any] = _read(register)

    def ensure(self, app_id: uuid.UUID, hosts: Sequence[str], now: datetime) -> None:
        """See that the router serves a good certificate for these names. Trouble is only logged:
        the platform's own certificate is served meanwhile, and the next look tries again.
        """
        wanted = sorted(hosts)
        with self._lock:
            if not wanted or self._is_good(app_id, wanted, now):
                return
            try:
                self._router.put_certificate(str(app_id), self._issue(wanted), wanted)
            except KedgeError as error:
                log.warning("certificate.waiting", app=str(app_id), reason=error.message)
                return
            until = (now + LIFETIME).isoformat()
            self._write({**self._known, str(app_id): {"hosts": wanted, "until": until}})

    def forget(self, app_id: uuid.UUID) -> None:
        """Serve none for an app that is gone."""
        with self._lock:
            if str(app_id) in self._known:
                self._router.remove_certificate(str(app_id))
                kept = {name: row for name, row in self._known.items() if name != str(app_id)}
                self._write(kept)

    def _is_good(self, app_id: uuid.UUID, wanted: list[str], now: datetime) -> bool:
        row = self._known.get(str(app_id))
        if row is None or row["hosts"] != wanted:
            return False
        return datetime.fromisoformat(row["until"]) - now > RENEWED_BEFORE_END

    def _write(self, known: dict[str, Any]) -> None:
        part = self._register.with_suffix(".part")
        part.write_text(json.dumps(known))
        part.replace(self._register)
        self._known = known


def _read(register: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(register.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return known
