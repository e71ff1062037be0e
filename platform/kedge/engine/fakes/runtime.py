"""A runtime in memory, whose dynos run scripts of a few words."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from kedge.engine.fakes.attachment import FakeAttachment
from kedge.engine.fakes.execution import FakeExecution
from kedge.engine.protocols import Container, ContainerSpec, Happening, OutputLine, SlugImage, Usage
from kedge.errors import EngineRefused, RuntimeDown

EXIT_OF_SIGNAL = {"TERM": 143, "HUP": 129, "KILL": 137}
STEP_SECONDS = 0.02


@dataclass
class FakeDyno:
    """One container of the fake runtime, to look into and to change."""

    spec: ContainerSpec
    seen: Container
    lines: list[OutputLine] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    memory_mb: float = 50.0
    cpu_seconds: float = 0.5
    ignores_term: bool = False
    stdin: deque[bytes] = field(default_factory=deque)
    stdin_closed: bool = False
    reads_stdin: bool = False


class FakeRuntime:
    """A `Runtime` whose dynos run scripts of a few words instead of programs.

    A script is steps joined by "; ": `echo WORDS`, `listen PORT`, `listen-inside PORT`,
    `ignore TERM`, `cat` (what comes on standard input until its end), `exit STATUS`, `hang`.
    Any other command is a server that listens on $PORT and runs until it is told to end, and for
    a release or one-off dyno a program that ends well at once. `scripts` gives a command another
    script; `down` makes every call raise RuntimeDown, `refused` holds commands that EngineRefused
    answers; `end`, `say` and `dynos` are for tests.
    """

    def __init__(self, scripts: Mapping[str, str] | None = None) -> None:
        self.scripts = dict(scripts or {})
        self.down = False
        self.refused: set[str] = set()
        self.reach: dict[UUID, frozenset[UUID]] = {}
        self.dynos: dict[str, FakeDyno] = {}
        self._prepared: set[str] = set()
        self._happened: list[Happening] = []
        self._numbers = itertools.count(1)
        self._changed = threading.Condition(threading.RLock())

    def prepare(self, slug: SlugImage | None) -> None:
        """Make a slug startable."""
        self._answer()
        if slug is not None:
            self._prepared.add(slug.digest)

    def forget(self, slug_digest: str) -> None:
        """Drop what `prepare` made."""
        self._answer()
        self._prepared.discard(slug_digest)

    def prepared(self) -> set[str]:
        """Digests of slugs that are startable at once."""
        self._answer()
        return set(self._prepared)

    def create(self, spec: ContainerSpec) -> str:
        """Make the container of a dyno, not started; the same one when called twice."""
        self._answer()
        if spec.command in self.refused:
            raise EngineRefused(f"The fake engine does not run {spec.command}.")
        with self._changed:
            for runtime_id, dyno in self.dynos.items():
                if dyno.spec.dyno_id == spec.dyno_id:
                    return runtime_id
            self.prepare(spec.slug)
            runtime_id = f"fake-{next(self._numbers)}-{spec.dyno_id.hex[:8]}"
            self.dynos[runtime_id] = FakeDyno(spec, _created(runtime_id, spec))
            return runtime_id

    def start(self, runtime_id: str) -> None:
        """Start a created container."""
        self._answer()
        with self._changed:
            dyno = self.dynos.get(runtime_id)
            if dyno is None:
                raise RuntimeDown(f"No such container: {runtime_id}")
            if dyno.seen.status == "created":
                address = f"10.0.0.{len(self.dynos)}"
                self._see(dyno, "start", status="running", address=address, started_at_ns=_now())
                self._run(runtime_id, dyno)

    def containers(self) -> list[Container]:
        """Every container, whatever its state."""
        self._answer()
        return [dyno.seen for dyno in list(self.dynos.values())]

    def container(self, runtime_id: str, *, fresh: bool = True) -> Container | None:  # noqa: ARG002
        """One container, None when it is gone; always as it is now."""
        self._answer()
        dyno = self.dynos.get(runtime_id)
        return dyno.seen if dyno else None

    def signal(self, runtime_id: str, name: Literal["TERM", "HUP", "KILL"]) -> None:
        """End the dyno, unless it ignores a signal other than KILL. Gone is fine."""
        self._answer()
        dyno = self.dynos.get(runtime_id)
        if dyno and (name == "KILL" or not dyno.ignores_term):
            self.end(runtime_id, EXIT_OF_SIGNAL[name])

    def remove(self, runtime_id: str) -> None:
        """Remove a container. Gone is fine."""
        self._answer()
        self.end(runtime_id, EXIT_OF_SIGNAL["KILL"])
        with self._changed:
            self.dynos.pop(runtime_id, None)

    def output(self, runtime_id: str, *, since_ns: int, follow: bool) -> Iterator[OutputLine]:
        """The lines a dyno wrote from `since_ns` on, inclusive; with `follow` until it ends."""
        self._answer()
        dyno, told = self.dynos.get(runtime_id), 0
        while dyno is not None:
            running = dyno.seen.status == "running"
            fresh, told = dyno.lines[told:], len(dyno.lines)
            if dyno.spec.keep_logs:
                yield from (line for line in fresh if line.at_ns >= since_ns)
            if not (follow and running):
                return
            with self._changed:
                self._changed.wait(STEP_SECONDS)

    def attach(self, runtime_id: str) -> FakeAttachment:
        """The streams of a container."""
        self._answer()
        return FakeAttachment(self, runtime_id)

    def execute(
        self, runtime_id: str, command: str, env: Mapping[str, str], *, tty: bool
    ) -> FakeExecution:
        """Make ready to run a script inside a running dyno."""
        self._answer()
        script = self.scripts.get(command, command)
        return FakeExecution(self, runtime_id, script, env, tty=tty)

    def usage(self) -> Mapping[str, Usage]:
        """What tests set, of each running dyno."""
        self._answer()
        return {
            runtime_id: Usage(dyno.memory_mb, dyno.cpu_seconds)
            for runtime_id, dyno in self.dynos.items()
            if dyno.seen.status == "running"
        }

    def listening(self, runtime_id: str) -> list[int]:
        """TCP ports the dyno listens on; those bound to loopback alone are negative."""
        self._answer()
        dyno = self.dynos.get(runtime_id)
        return sorted(dyno.ports) if dyno and dyno.seen.status == "running" else []

    def happenings(self) -> Iterator[Happening]:
        """Events as they come; ends when `down` is set."""
        self._answer()
        told = len(self._happened)
        while not self.down:
            fresh, told = self._happened[told:], len(self._happened)
            yield from fresh
            with self._changed:
                self._changed.wait(STEP_SECONDS)

    def let_reach(self, addons: Mapping[UUID, frozenset[UUID]]) -> None:
        """Remember which dynos may reach which add-ons."""
        self._answer()
        self.reach = dict(addons)

    def tend(self) -> None:
        """Nothing to look after."""
        self._answer()

    def ping(self) -> str:
        """A version. Raises RuntimeDown."""
        self._answer()
        return "fake"

    def end(self, runtime_id: str, exit_status: int = 0, *, out_of_memory: bool = False) -> None:
        """Make a running dyno end."""
        with self._changed:
            dyno = self.dynos.get(runtime_id)
            if dyno is None or dyno.seen.status != "running":
                return
            if out_of_memory:
                self._see(dyno, "oom", out_of_memory=True)
            self._see(
                dyno,
                "die",
                status="exited",
                address=None,
                finished_at_ns=_now(),
                exit_status=exit_status,
            )

    def say(self, runtime_id: str, text: str) -> None:
        """Make a dyno write a line."""
        with self._changed:
            self.dynos[runtime_id].lines.append(OutputLine(_now(), text))
            self._changed.notify_all()

    def feed(self, runtime_id: str, payload: bytes | None) -> None:
        """Put bytes on a dyno's standard input; None ends it."""
        with self._changed:
            dyno = self.dynos[runtime_id]
            if payload is None:
                dyno.stdin_closed = True
            else:
                dyno.stdin.append(payload)
            if dyno.reads_stdin:
                self._cat(runtime_id, dyno)

    def wait(self) -> None:
        """Wait a moment for anything to change."""
        with self._changed:
            self._changed.wait(STEP_SECONDS)

    def _answer(self) -> None:
        if self.down:
            raise RuntimeDown("The fake engine is down.")

    def _see(self, dyno: FakeDyno, kind: Literal["start", "die", "oom"], **facts: object) -> None:
        dyno.seen = replace(dyno.seen, **facts)  # type: ignore[arg-type]
        happening = Happening(kind, dyno.seen.runtime_id, dyno.spec.dyno_id)
        self._happened.append(happening)
        self._changed.notify_all()

    def _run(self, runtime_id: str, dyno: FakeDyno) -> None:
        script = self.scripts.get(dyno.spec.command, dyno.spec.command)
        for step in script.split("; "):
            word, _, rest = step.partition(" ")
            if not self._step(runtime_id, dyno, word, rest):
                return
        self.end(runtime_id, 0)

    def _step(self, runtime_id: str, dyno: FakeDyno, word: str, rest: str) -> bool:
        """Take one step; False when the script goes no further by itself."""
        if word == "echo":
            self.say(runtime_id, rest)
        elif word in {"listen", "listen-inside"}:
            dyno.ports.append(int(rest) if word == "listen" else -int(rest))
        elif word == "ignore":
            dyno.ignores_term = True
        elif word == "cat":
            dyno.reads_stdin = True
            self._cat(runtime_id, dyno)
            return False
        elif word == "exit":
            self.end(runtime_id, int(rest))
            return False
        elif word == "hang":
            return False
        elif dyno.spec.kind == "dyno":
            dyno.ports.extend([int(dyno.spec.env["PORT"])] if "PORT" in dyno.spec.env else [])
            return False
        return True

    def _cat(self, runtime_id: str, dyno: FakeDyno) -> None:
        while dyno.stdin:
            self.say(runtime_id, dyno.stdin.popleft().decode(errors="replace").rstrip("\n"))
        if dyno.stdin_closed:
            self.end(runtime_id, 0)


def _created(runtime_id: str, spec: ContainerSpec) -> Container:
    return Container(
        runtime_id=runtime_id,
        dyno_id=spec.dyno_id,
        app_id=spec.app_id,
        kind=spec.kind,
        name=spec.name,
        release_version=spec.release_version,
        status="created",
        address=None,
        started_at_ns=None,
        finished_at_ns=None,
        exit_status=None,
        out_of_memory=False,
        error=None,
    )


_last_ns = 0


def _now() -> int:
    """Nanoseconds since 1970, never the same twice."""
    global _last_ns  # noqa: PLW0603 - one clock for all fakes
    _last_ns = max(time.time_ns(), _last_ns + 1)
    return _last_ns
