"""Dynos as containers, and what runs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

from kedge.engine.protocols.slugs import SlugImage

Kind = Literal["dyno", "run", "release"]


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
class Usage:
    """Memory in use now (without page cache), and processor time since the dyno's start."""

    memory_mb: float
    cpu_seconds: float


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


class Execution(Attachment, Protocol):
    """A command inside a running dyno, and its streams from `start` on."""

    def start(self) -> None:
        """Start it. Raises EngineRefused: the engine will not, with its words."""

    def exit_status(self) -> int | None:
        """The command's exit status; None while it runs, and when its dyno has ended first."""

    def hang_up(self, kill_seconds: int) -> None:
        """Send SIGHUP to the command and what it started, and SIGKILL when they go on for longer.

        Gone is fine.
        """


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

    def execute(
        self, runtime_id: str, command: str, env: Mapping[str, str], *, tty: bool
    ) -> Execution:
        """Make ready to run a command inside a running dyno, begun as the dyno's own was.

        Its environment is the dyno's, with `env` on top.

        Raises:
            EngineRefused: the dyno does not run.
        """

    def usage(self) -> Mapping[str, Usage]:
        """What each running container uses, by runtime id."""

    def listening(self, runtime_id: str) -> list[int]:
        """TCP ports the dyno listens on; those bound to loopback alone are negative."""

    def happenings(self) -> Iterator[Happening]:
        """Events as they come; ends when the engine goes away."""

    def let_reach(self, addons: Mapping[UUID, frozenset[UUID]]) -> None:
        """Let each of these dynos reach the servers of these add-ons, and nobody any other.

        One process of an installation calls this. A dyno may be named before it is started; an
        add-on without a server of ours (a third party's) is left out.
        """

    def tend(self) -> None:
        """Put back what dynos stand on (network, firewall) where it is missing.

        Cheap; called at the start and every ten seconds or so.
        """

    def ping(self) -> str:
        """The engine's version. Raises RuntimeDown."""
