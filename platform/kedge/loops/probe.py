"""Asking new web dynos whether they are ready, from outside, over the network requests will take.

A dyno is healthy at its first answer below 500; redirects and refusals count as alive. Nothing is
needed inside it. What was asked and answered is kept for whoever asks why.
"""

from __future__ import annotations

import http.client
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

PAUSE_SECONDS = 0.03
ANSWER_SECONDS = 10.0
TRANSCRIPT_LINES = 12


@dataclass(slots=True)
class Probe:
    """One dyno under probe. `transcript` says in words what came of the tries, newest last."""

    dyno_id: uuid.UUID
    app_id: uuid.UUID
    host: str
    port: int
    hostname: str
    deadline: float
    is_healthy: bool = False
    transcript: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """For how long it has been under probe."""
        return time.monotonic() - self.began

    def note(self, words: str) -> None:
        """Keep a finding, once when it repeats."""
        seconds = f"{time.strftime('%H:%M:%S', time.gmtime())} {words}"
        if not self.transcript or self.transcript[-1][9:] != words:
            self.transcript.append(seconds)
            del self.transcript[:-TRANSCRIPT_LINES]


class Prober:
    """Probes dynos, each in a thread of its own, and calls `done` when one is healthy."""

    def __init__(self, done: Callable[[Probe], None]) -> None:
        self._done = done
        self._probes: dict[uuid.UUID, Probe] = {}
        self._lock = threading.Lock()

    def watch(
        self,
        dyno_id: uuid.UUID,
        app_id: uuid.UUID,
        host: str,
        port: int,
        hostname: str,
        seconds: float,
    ) -> Probe:
        """The probe of an app's dyno, begun when there is none yet. It gives up after `seconds`."""
        with self._lock:
            probe = self._probes.get(dyno_id)
            if probe is None:
                probe = Probe(dyno_id, app_id, host, port, hostname, time.monotonic() + seconds)
                self._probes[dyno_id] = probe
                name = f"probe-{dyno_id.hex[:8]}"
                threading.Thread(target=self._run, args=(probe,), name=name, daemon=True).start()
            return probe

    def forget(self, dyno_id: uuid.UUID) -> list[str]:
        """End the probe of a dyno; its transcript."""
        with self._lock:
            probe = self._probes.pop(dyno_id, None)
        if probe is None:
            return []
        probe.deadline = 0.0
        return probe.transcript

    def _run(self, probe: Probe) -> None:
        while time.monotonic() < probe.deadline:
            if _answers(probe):
                probe.is_healthy = True
                self._done(probe)
                return
            time.sleep(PAUSE_SECONDS)


def _answers(probe: Probe) -> bool:
    connection = http.client.HTTPConnection(probe.host, probe.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/", headers=_headers(probe.hostname))
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        probe.note(f"GET / on port {probe.port}: {type(error).__name__}: {error}")
        return False
    finally:
        connection.close()
    probe.note(f"GET / on port {probe.port}: answered {status}")
    return status < 500


def _headers(hostname: str) -> dict[str, str]:
    return {
        "Host": hostname,
        "User-Agent": "Kedge-Health-Check",
        "X-Forwarded-Proto": "https",
        "Connection": "close",
    }
