"""Collects what dynos write: one thread a dyno, from the engine's log into the app's.

Where to go on after a restart is read from the app's log itself, so that nothing is kept twice and
nothing is lost while the supervisor is away. A line there does not tell which dyno of a name wrote
it: the old and the new web.1 of a roll-out write at the same time. So lines of the engine are held
against those kept, by their exact time and text.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import or_, select

from kedge.engine.logs import safe_text
from kedge.engine.protocols import Container, LogLine, OutputLine, Runtime
from kedge.errors import KedgeError
from kedge.loops.batch import in_batches
from kedge.model.dyno import Dyno
from kedge.model.release import Release
from kedge.ops import outputs, snapshots
from kedge.ops.services import Services
from kedge.scrub import Scrubber

log = structlog.get_logger()
TRIES = 3
RETRY_SECONDS = 1.0
# As long as reading all the engine keeps of a dyno that wrote without end takes.
FINISH_SECONDS = 20.0
REMEMBERED_SECONDS = 600.0
NANOSECONDS = 1_000_000_000
# A program may have written before the engine noted its start; two streams may be out of order.
EARLY_NS, DISORDER_NS = 10 * NANOSECONDS, NANOSECONDS
# How far the engine's clock may be from ours.
CLOCKS_APART = timedelta(minutes=1)

Kept = Counter[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Source:
    """One dyno's container. Its row would keep the config of its release in memory."""

    dyno_id: uuid.UUID
    app_id: uuid.UUID
    release_id: uuid.UUID
    kind: str
    type: str
    ordinal: int
    name: str
    runtime_id: str
    created_at: datetime


@dataclass(slots=True)
class Following:
    """One source being read. `ended_at` (monotonic) is set when all of it is kept."""

    source: Source
    thread: threading.Thread | None = None
    ended_at: float | None = field(default=None)


class Collector:
    """Follows the output of dynos."""

    def __init__(self, services: Services, runtime: Runtime) -> None:
        self._services, self._runtime = services, runtime
        self._followed: dict[uuid.UUID, Following] = {}
        self._lock = threading.Lock()

    def collect(self, dyno: Dyno, runtime_id: str) -> None:
        """Follow a dyno's output to its end; nothing happens when that is done, or was."""
        with self._lock:
            known = self._followed.get(dyno.id)
            if known and (known.ended_at is not None or (known.thread and known.thread.is_alive())):
                return
            self._forget_old()
            following = Following(_source(dyno, runtime_id))
            name = f"collect-{dyno.id.hex[:8]}"
            following.thread = threading.Thread(
                target=self._run, args=(following,), name=name, daemon=True
            )
            self._followed[dyno.id] = following
            following.thread.start()

    def finish(self, dyno: Dyno, container: Container | None) -> None:
        """Wait until what an ended dyno wrote is kept; read it when nobody has followed it yet.

        Its container must not be removed before. One who does not come to an end in time is told
        of in the app's log.
        """
        if container is not None and not dyno.attach:
            self.collect(dyno, container.runtime_id)
        with self._lock:
            following = self._followed.pop(dyno.id, None)
        if following is not None and following.thread is not None:
            following.thread.join(FINISH_SECONDS)
            if following.ended_at is None:
                self._tell_loss(following.source)
        if dyno.kind == "release":
            self._finish_output(dyno.release_id)

    def _forget_old(self) -> None:
        """Drop what is known of sources read long ago: reading one again keeps nothing twice."""
        before = time.monotonic() - REMEMBERED_SECONDS
        for dyno_id, each in list(self._followed.items()):
            if each.ended_at is not None and each.ended_at < before:
                del self._followed[dyno_id]

    def _run(self, following: Following) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                self._follow(following.source)
            except Exception as error:  # a thread's boundary; the sweep begins it again
                name = following.source.name
                known = isinstance(error, KedgeError)
                log.warning("collect.interrupted", dyno=name, reason=str(error), exc_info=not known)
                time.sleep(RETRY_SECONDS * attempt)
            else:
                following.ended_at = time.monotonic()
                return

    def _follow(self, source: Source) -> None:
        since_ns, kept = self._kept(source)
        lines = self._runtime.output(source.runtime_id, since_ns=since_ns, follow=True)
        output_id = None
        if source.kind == "release":
            release = self._release(source.release_id)
            output_id = release.output_id if release else None
            values = snapshots.unseal(self._services, release.config) if release else {}
            lines = scrubbed(lines, values)
        for batch in in_batches(_not_among(kept, lines)):
            if output_id:
                text = "".join(f"{line.text}\n" for line in batch)
                outputs.write(self._services, output_id, text.encode("utf-8", "replace"))
            fresh = [LogLine(line.at_ns, "app", source.name, line.text) for line in batch]
            self._services.logs.append(source.app_id, fresh)
        if output_id:
            outputs.finish(self._services, output_id)

    def _kept(self, source: Source) -> tuple[int, Kept]:
        """From when to read, and the lines from then on that may be kept already."""
        logs, app_id, name = self._services.logs, source.app_id, source.name
        began_ns = self._began_ns(source) - EARLY_NS
        newest_ns, _ = logs.last_at_ns(app_id, name)
        if newest_ns < began_ns:
            return began_ns, Counter()
        since_ns = began_ns
        if not self._had_company(source, newest_ns):  # then the newest line is this dyno's own
            since_ns = max(began_ns, newest_ns - DISORDER_NS)
        lines = logs.since(app_id, name, since_ns)
        return since_ns, Counter((line.at_ns, line.text) for line in lines)

    def _began_ns(self, source: Source) -> int:
        container = self._runtime.container(source.runtime_id)
        if container is not None and container.started_at_ns is not None:
            return container.started_at_ns
        return int(source.created_at.timestamp() * NANOSECONDS)

    def _had_company(self, source: Source, newest_ns: int) -> bool:
        """Whether another dyno of the name may have written the newest line."""
        newest_at = datetime.fromtimestamp(newest_ns / NANOSECONDS, UTC)
        query = select(Dyno.id).where(
            Dyno.app_id == source.app_id, Dyno.type == source.type,
            Dyno.ordinal == source.ordinal, Dyno.id != source.dyno_id,
            or_(Dyno.ended_at.is_(None), Dyno.ended_at >= newest_at - CLOCKS_APART),
        )  # fmt: skip
        with self._services.database.transaction() as tx:
            return tx.scalar(query.limit(1)) is not None

    def _release(self, release_id: uuid.UUID) -> Release | None:
        with self._services.database.transaction() as tx:
            return tx.get(Release, release_id)

    def _finish_output(self, release_id: uuid.UUID) -> None:
        query = select(Release.output_id).where(Release.id == release_id)
        with self._services.database.transaction() as tx:
            output_id = tx.scalar(query)
        if output_id:
            outputs.finish(self._services, output_id)

    def _tell_loss(self, source: Source) -> None:
        log.warning("collect.unfinished", dyno=source.name)
        words = "Error L10 (output buffer overflow): its last lines could not all be read in time."
        self._services.tell(source.app_id, source.name, words)


def scrubbed(lines: Iterator[OutputLine], values: Mapping[str, str]) -> Iterator[OutputLine]:
    """Lines with `[KEY]` where they hold a config value."""
    scrubber = Scrubber(values)
    for line in lines:
        clean = scrubber.feed(line.text.encode() + b"\n") + scrubber.flush()
        yield OutputLine(line.at_ns, clean.decode("utf-8", "replace").rstrip("\n"))


def _source(dyno: Dyno, runtime_id: str) -> Source:
    return Source(
        dyno_id=dyno.id,
        app_id=dyno.app_id,
        release_id=dyno.release_id,
        kind=dyno.kind,
        type=dyno.type,
        ordinal=dyno.ordinal,
        name=dyno.name,
        runtime_id=runtime_id,
        created_at=dyno.created_at,
    )


def _not_among(kept: Kept, lines: Iterator[OutputLine]) -> Iterator[OutputLine]:
    """The lines that are not kept yet. Equal ones of one moment are counted, not taken for one."""
    for line in lines:
        known = (line.at_ns, safe_text(line.text)) if kept else None
        if known is not None and kept[known] > 0:
            kept[known] -= 1
        else:
            yield line
