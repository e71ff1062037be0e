"""What Kedge asks of the outside world, in words a cluster's engine would understand too.

Values go in, values come out; nothing here names Docker or HAProxy. Times are seconds, sizes MB
unless the name says otherwise. Every call may raise the `Unavailable` of its engine
(`RuntimeDown`, `RouterDown`) when that does not answer; callers try again later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal, Protocol
from uuid import UUID

Kind = Literal["dyno", "run", "release"]


# --- slugs -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Layer:
    """One tar of a slug. `digest` is the hex sha256 of the plain tar, sizes are in bytes."""

    digest: str
    kind: Literal["dependencies", "source"]
    plain_bytes: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class SlugImage:
    """What a slug consists of, bottom layer first. `digest` is the slug's own hex sha256."""

    digest: str
    layers: tuple[Layer, ...]


class SlugStore(Protocol):
    """Content-addressed layers: one copy per digest, compressed at rest."""

    def has(self, digest: str) -> bool:
        """Whether a layer of that digest is kept."""

    def add(self, tar: BinaryIO, kind: Literal["dependencies", "source"]) -> Layer:
        """Keep a plain tar read to its end; written under its digest only when whole.

        Raises:
            Unavailable: the disk is full or cannot be written (nothing half-made stays).
        """

    def open(self, digest: str) -> AbstractContextManager[BinaryIO]:
        """The plain tar of a layer. Raises NotFound."""

    def touch(self, digest: str) -> int:
        """Count a layer as written now, so that it is not collected; its stored size in bytes.

        Raises NotFound.
        """

    def digests(self) -> Mapping[str, float]:
        """All layers kept and when each was last written (unix seconds), for garbage collection."""

    def remove(self, digest: str) -> None:
        """Forget a layer; nothing happens when it is not there."""


# --- containers --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """One dyno to start. `memory_mb` is the quota; the hard limit is twice that (R15)."""

    dyno_id: UUID
    app_id: UUID
    app_name: str
    kind: Kind
    name: str
    release_version: int
    slug: SlugImage | None
    command: str
    env: Mapping[str, str] = field(repr=False)
    memory_mb: int
    cpu_shares: int
    cpus: float
    pids: int
    tty: bool = False
    stdin: bool = False
    keep_logs: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One dyno as the engine sees it now. `address` is where the router reaches it."""

    runtime_id: str
    dyno_id: UUID
    app_id: UUID
    kind: Kind
    name: str
    release_version: int
    status: Literal["created", "running", "exited"]
    address: str | None
    started_at_ns: int | None
    finished_at_ns: int | None
    exit_status: int | None
    out_of_memory: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class OutputLine:
    """A line a dyno wrote, with the engine's own time in nanoseconds since 1970."""

    at_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class Happening:
    """Something the engine says happened to a dyno: it started, ended, or ran out of memory."""

    kind: Literal["start", "die", "oom"]
    runtime_id: str
    dyno_id: UUID


class Attachment(Protocol):
    """The streams of a running dyno, both ways."""

    def send(self, payload: bytes) -> None:
        """Write to the dyno's standard input."""

    def close_stdin(self) -> None:
        """End of the dyno's standard input."""

    def receive(self) -> bytes:
        """The next bytes the dyno wrote, b"" at the end."""

    def resize(self, columns: int, lines: int) -> None:
        """Tell the dyno's terminal its size."""

    def close(self) -> None:
        """Let go of the streams; the dyno goes on."""


class Runtime(Protocol):
    """Runs dynos. All of it may be called again after a crash without harm."""

    def prepare(self, slug: SlugImage | None) -> None:
        """Make a slug startable (unpack or load it); instantaneous when it is already."""

    def forget(self, slug_digest: str) -> None:
        """Drop what `prepare` made; the slug store keeps the layers."""

    def prepared(self) -> set[str]:
        """Digests of slugs that are startable at once."""

    def create(self, spec: ContainerSpec) -> str:
        """Make the container of a dyno, not started; returns its runtime id.

        Called twice for one dyno id it returns the same container.

        Raises:
            EngineRefused: the engine is there and will not make it, with its words.
        """

    def start(self, runtime_id: str) -> None:
        """Start a created container. Raises EngineRefused: the engine will not, with its words."""

    def containers(self) -> list[Container]:
        """Every container of this installation's dynos, whatever its state."""

    def container(self, runtime_id: str, *, fresh: bool = True) -> Container | None:
        """One container, None when it is gone.

        Not `fresh` it may be as it was when last asked for: an event or a listing may be behind.
        """

    def signal(self, runtime_id: str, name: Literal["TERM", "HUP", "KILL"]) -> None:
        """Send a signal to every process of a dyno (KILL: end the container). Gone is fine."""

    def remove(self, runtime_id: str) -> None:
        """Remove a container and its writable layer. Gone is fine."""

    def output(self, runtime_id: str, *, since_ns: int, follow: bool) -> Iterator[OutputLine]:
        """The lines a dyno wrote from `since_ns` on, inclusive; with `follow` until it ends.

        Lines are at most 16 KB; longer ones are split. Undecodable bytes are replaced.
        """

    def attach(self, runtime_id: str) -> Attachment:
        """The streams of a container, to be taken before it is started."""

    def memory_mb(self) -> Mapping[str, float]:
        """Memory in use by each running container (without page cache), in MB, by runtime id."""

    def listening(self, runtime_id: str) -> list[int]:
        """TCP ports the dyno listens on; those bound to loopback alone are negative."""

    def happenings(self) -> Iterator[Happening]:
        """Events as they come; ends when the engine goes away."""

    def tend(self) -> None:
        """Put back what dynos stand on (network, firewall) where it is missing.

        Cheap; called at the start and every ten seconds or so.
        """

    def ping(self) -> str:
        """The engine's version. Raises RuntimeDown."""


# --- builds ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSpec:
    """One build to run. `source` is a checked, plain tar without a leading folder."""

    build_id: UUID
    app_id: UUID
    app_name: str
    stack: str
    buildpacks: tuple[str, ...]
    source: Path
    source_version: str
    commit_time: int
    env: Mapping[str, str] = field(repr=False)
    known_layers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a successful build made; its layers are in the slug store."""

    slug: SlugImage
    process_types: Mapping[str, str]
    description: str
    buildpacks: tuple[Mapping[str, str], ...]


class Builder(Protocol):
    """Runs buildpacks in a container with budgets."""

    def build(
        self, spec: BuildSpec, emit: Callable[[bytes], None], cancelled: Callable[[], bool]
    ) -> Built:
        """Run one build; `emit` gets its output as it comes, `cancelled` is asked every second.

        Raises:
            BuildFailed, BuildCancelled, BuildOutOfMemory, BuildOutOfTime, SlugTooLarge: with
                words for the pusher.
            RuntimeDown: the engine went away.
        """

    def sweep(self, running: Sequence[UUID]) -> None:
        """End containers of builds that are not in `running` (their worker died)."""

    def forget_cache(self, app_id: UUID) -> None:
        """Drop the build cache of an app."""


# --- router ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Server:
    """Where the router sends requests: one dyno's address."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """All the router knows of one app. `state` is None or the H code it answers with.

    `version` grows with every change of the app's route; a lower one is refused (a fence against
    a supervisor that lost its leadership). A server's name is `web.1-<8 hex of the dyno's id>`.
    """

    version: int
    name: str
    hosts: tuple[str, ...]
    state: str | None
    servers: Mapping[str, Server]


@dataclass(frozen=True, slots=True)
class AccessLine:
    """One request as the router saw it, in Heroku's form."""

    at_ns: int
    app_id: UUID
    dyno: str
    text: str
    code: str | None
    status: int
    service_ms: int


@dataclass(frozen=True, slots=True)
class AccessLines:
    """Lines after a cursor; `lost` were dropped before them; `next_cursor` is for the next call."""

    lines: tuple[AccessLine, ...]
    next_cursor: int
    lost: int


class Router(Protocol):
    """Puts routes in force. Every call returns when the change is in force."""

    def put(self, app_id: UUID, route: Route) -> None:
        """Make this the app's route. Servers left out get no new requests from now on."""

    def routes(self) -> Mapping[UUID, Route | None]:
        """The apps it knows: each with its route, or None when that is not in force."""

    def remove(self, app_id: UUID, version: int) -> None:
        """Forget an app. Unknown is fine."""

    def in_flight(self, app_id: UUID) -> Mapping[str, int]:
        """Requests in flight by server name, drained servers included."""

    def put_certificate(self, name: str, pem: str, hosts: Sequence[str]) -> None:
        """Serve a certificate (chain and key as PEM) for these names."""

    def remove_certificate(self, name: str) -> None:
        """Serve a certificate no longer. Unknown is fine."""

    def access_lines(self, cursor: int, wait_seconds: float) -> AccessLines:
        """Lines after the cursor, waiting for the first up to `wait_seconds`."""


# --- small ones --------------------------------------------------------------------------------


ANY_TOPIC = "*"


class Wakes(Protocol):
    """Tells other processes to look again. May lose a wake: everyone also looks by the clock."""

    def wake(self, topic: str) -> None:
        """Wake whoever waits for `topic`. Never raises."""

    def wait(self, topic: str, seconds: float) -> bool:
        """Wait for a wake of `topic`; False when the time passed."""

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Call the listener with every topic that is woken, from some thread.

        It is called with `ANY_TOPIC` when wakes of any topic may have been missed.
        """


class Queue(Protocol):
    """Hands work to the worker."""

    def build(self, build_id: UUID) -> None:
        """Have a build run. Raises QueueDown."""

    def forget_cache(self, app_id: UUID) -> None:
        """Have the build cache of an app dropped. Raises QueueDown."""


# --- logs --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of an app's log: `<at> <source>[<process>]: <text>` in Heroku's form.

    `source` is `app` (the app's own output, and `app[api]` events) or `heroku` (the platform:
    router and dyno states); `process` is `web.1`, `release.7`, `api`, `build`, `router`, …
    """

    at_ns: int
    source: Literal["app", "heroku"]
    process: str
    text: str


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines to show: a source, and a process by its name (`web.1`) or its type (`web`)."""

    source: str | None = None
    process: str | None = None


class LogStore(Protocol):
    """One log an app, kept by app (not by container), bounded by bytes. Any process may write."""

    def append(self, app_id: UUID, lines: Sequence[LogLine]) -> None:
        """Keep lines, all or none. Order of time is restored when read."""

    def tail(self, app_id: UUID, lines: int, only: LogFilter) -> tuple[list[LogLine], str]:
        """The newest matching lines, oldest first, and a cursor to follow from."""

    def follow(self, app_id: UUID, cursor: str, only: LogFilter) -> tuple[list[LogLine], str]:
        """Matching lines after the cursor, in the order of their time, and the next cursor.

        Never blocks. A cursor whose lines were dropped goes on with the oldest kept, behind a line
        that says how many bytes were lost.
        """

    def last_at_ns(self, app_id: UUID, process: str) -> tuple[int, tuple[str, ...]]:
        """When the newest line of a process was written, and the texts of that very moment."""

    def since(self, app_id: UUID, process: str, at_ns: int) -> list[LogLine]:
        """The lines a process itself wrote from a moment on, in the order they were kept."""

    def forget(self, app_id: UUID) -> None:
        """Drop an app's log."""
