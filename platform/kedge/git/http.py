"""Git's smart HTTP protocol (https://git-scm.com/docs/http-protocol), with C git doing the work."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import threading
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import structlog
from flask import Blueprint, Response, request

from kedge.api.authentication import token_of
from kedge.db import AdvisoryLock
from kedge.engine.claims import claimed
from kedge.engine.git import Repositories
from kedge.engine.git_leftovers import push_folder
from kedge.errors import BadRequest, Forbidden, KedgeError, Unauthorized, Unavailable
from kedge.git.receive import Push, receive, turn
from kedge.git.settle import settle
from kedge.model.app import App
from kedge.ops import accounts
from kedge.ops.authorize import Action, Actor, find_app, require_scope
from kedge.ops.services import Services
from kedge.places import Places
from kedge.plan.push import Update
from kedge.plan.scopes import Scope

log = structlog.get_logger()
BLOCK = 65536
DRAIN_BYTES = 16 * 1024 * 1024
GZIP = 31  # https://docs.python.org/3/library/zlib.html#zlib.decompress
NO_CACHE = {
    "Cache-Control": "no-cache, max-age=0, must-revalidate",
    "Expires": "Fri, 01 Jan 1980 00:00:00 GMT",
    "Pragma": "no-cache",
}
NEEDS = {"git-upload-pack": Action.VIEW, "git-receive-pack": Action.DEPLOY}
SCOPES = {"git-upload-pack": Scope.READ, "git-receive-pack": Scope.WRITE_PROTECTED}


def blueprint(services: Services, repositories: Repositories) -> Blueprint:
    """The two addresses of each repository: what refs there are, and the exchange itself."""
    git = Blueprint("git", __name__)
    places = Places(services.settings.push_places, "pushes and fetches")

    @git.errorhandler(KedgeError)
    def refuse(error: KedgeError) -> Response:
        """Git shows plain text, and asks for credentials when it is told that they are Basic."""
        answer = Response(f"{error.message}\n", error.status, content_type="text/plain")
        if isinstance(error, Unauthorized):
            answer.headers["WWW-Authenticate"] = (
                'Basic realm="Kedge: any user name, the token as password"'
            )
        return answer

    @git.get("/<name>.git/info/refs")
    def info_refs(name: str) -> Response:
        """The refs of an app's repository, and what git can do here."""
        service = _service(request.args.get("service", ""))
        places.check()  # asked first, because git shows what is said here
        _, app, path = _find(services, repositories, name, service)
        settle(services, repositories, app.id)  # what git tells is what runs
        command = ["git", service[4:], "--stateless-rpc", "--advertise-refs", str(path)]
        refs = subprocess.run(
            command, env=_environment(), stdout=subprocess.PIPE, check=True
        ).stdout
        body = _packet(f"# service={service}\n") + b"0000" + refs
        kind = f"application/x-{service}-advertisement"
        return Response(body, headers=NO_CACHE, content_type=kind)

    @git.post("/<name>.git/<service>")
    def exchange(name: str, service: str) -> Response:
        """What a clone, a fetch or a push sends, and what git answers to it."""
        service = _service(service)
        actor, app, path = _find(services, repositories, name, service)
        talk = Exchange(services, actor, app, path, service, _asked())
        kind = f"application/x-{service}-result"
        try:
            answer: Iterable[bytes] = places.held(talk.run())
        except Unavailable as error:  # git shows what it is told in its own words, and no body
            answer = _refusal(service, error.message)
        return Response(answer, headers=NO_CACHE, content_type=kind, direct_passthrough=True)

    return git


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's parts that are needed after Flask has let go of it."""

    body: Any
    is_compressed: bool
    environment: dict[str, str]


class Exchange:
    """One request of a git client, from its first byte to git's last."""

    def __init__(
        self,
        services: Services,
        actor: Actor,
        app: App,
        repository: Path,
        service: str,
        asked: Asked,
    ) -> None:
        self._services, self._actor, self._app = services, actor, app
        self._repository, self._service, self._asked = repository, service, asked

    def run(self) -> Generator[bytes, None, None]:
        """Feed the request to git, then hand on what it answers; ends git when the client goes."""
        if self._service == "git-upload-pack":
            yield from self._talk({})
            return
        run_dir = self._services.settings.run_dir
        with push_folder(run_dir) as folder, claimed(self._repository) as claim:
            path = str(folder / "s")
            with Reception(self._services, self._actor, self._app, self._repository, path):
                yield from self._talk({"KEDGE_PUSH_SOCKET": path}, claim)

    def _talk(self, extra: dict[str, str], *claims: int) -> Iterator[bytes]:
        command = ["git", self._service[4:], "--stateless-rpc", str(self._repository)]
        git = subprocess.Popen(
            command,
            env={**self._asked.environment, **extra},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=claims,
        )
        try:
            _feed(self._asked, _pipe(git.stdin))
            answers = _pipe(git.stdout)
            while block := os.read(answers.fileno(), BLOCK):
                yield block
        finally:
            _end(git)


class Reception:
    """Waits for the push's hook on a unix socket and sees the push through.

    The app's one place for a push is held until the whole exchange is over, ref update included.
    """

    def __init__(
        self, services: Services, actor: Actor, app: App, repository: Path, path: str
    ) -> None:
        self._services, self._actor, self._app = services, actor, app
        self._repository = repository
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reception", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return  # git ended without any hook: nothing to push, or a broken pack
        with connection:
            push = self._push(connection)
            try:
                with turn(self._services, push) as place:
                    self._answer(connection, push, place)
                    self._over.wait()
            except KedgeError as error:
                push.show(f"\n !     {error.message}\n")
                _send(connection, b"\0001")

    def _answer(self, connection: socket.socket, push: Push, place: AdvisoryLock) -> None:
        try:
            accepted = receive(self._services, push, place)
        except Exception:  # a bug of ours must not leave the pusher without an answer
            log.exception("push.failed", app=self._app.name)
            push.show("\n !     Something went wrong inside Kedge; its log has the details.\n")
            accepted = False
        _send(connection, b"\0000" if accepted else b"\0001")

    def _push(self, connection: socket.socket) -> Push:
        told = _read_line(connection)
        return Push(
            actor=self._actor,
            app_id=self._app.id,
            app_name=self._app.name,
            repository=self._repository,
            updates=[Update(*update) for update in told["updates"]],
            environment=told["environment"],
            show=lambda text: _send(connection, text.replace("\0", "").encode()),
            is_gone=lambda: self._over.is_set() or _is_closed(connection),
        )


def _find(
    services: Services, repositories: Repositories, name: str, service: str
) -> tuple[Actor, App, Path]:
    actor = accounts.authenticate(
        services, token_of(request.headers.get("Authorization", "")) or ""
    )
    require_scope(actor, SCOPES[service])
    with services.database.transaction() as tx:
        app = find_app(tx, actor, name, NEEDS[service])
    return actor, app, repositories.ensure(app.id)


def _refusal(service: str, words: str) -> list[bytes]:
    """Words that end an exchange: an error on a push's third side band, or instead of a fetch."""
    _drain(request.stream)
    return [_packet(f"\x03{words}\n" if service == "git-receive-pack" else f"ERR {words}\n")]


def _drain(body: IO[bytes]) -> None:
    """Take what a client still sends, within bounds: before that it reads no answer."""
    left = DRAIN_BYTES
    while left > 0 and (block := body.read(BLOCK)):
        left -= len(block)


def _service(name: str) -> str:
    if name not in NEEDS:
        raise Forbidden("Only git's smart HTTP protocol is spoken here: use git 1.6.6 or newer.")
    return name


def _environment() -> dict[str, str]:
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    protocol = request.headers.get("Git-Protocol", "")
    return {**keep, "GIT_PROTOCOL": protocol[:100], "GIT_CONFIG_NOSYSTEM": "1"}


def _asked() -> Asked:
    is_compressed = request.headers.get("Content-Encoding") == "gzip"
    return Asked(request.environ["wsgi.input"], is_compressed, _environment())


def _feed(asked: Asked, stdin: IO[bytes]) -> None:
    """The whole request body into git, inflated when it came compressed."""
    inflate = zlib.decompressobj(GZIP) if asked.is_compressed else None
    try:
        while block := asked.body.read(BLOCK):
            for piece in _inflated(inflate, block) if inflate else [block]:
                stdin.write(piece)
        stdin.write(inflate.flush() if inflate else b"")
        stdin.close()
    except BrokenPipeError:
        pass  # git has refused already; what it says is on its standard output
    except zlib.error:
        raise BadRequest("The request's body is not the gzip it says it is.") from None


def _inflated(inflate: zlib._Decompress, block: bytes) -> Iterator[bytes]:
    """What a block holds, in pieces: 64 KB may hold 64 MB."""
    while block:
        yield inflate.decompress(block, BLOCK)
        block = inflate.unconsumed_tail


def _end(git: subprocess.Popen[bytes]) -> None:
    """Make sure that git and its hook are gone."""
    if git.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(git.pid, signal.SIGTERM)
        try:
            git.wait(5)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(git.pid, signal.SIGKILL)
            git.wait()
    _pipe(git.stdout).close()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("git was started without its pipes")
    return stream


def _packet(text: str) -> bytes:
    return f"{len(text) + 4:04x}{text}".encode()


def _read_line(connection: socket.socket) -> dict[str, Any]:
    received = b""
    while not received.endswith(b"\n"):
        block = connection.recv(BLOCK)
        if not block:
            break
        received += block
    told: dict[str, Any] = json.loads(received)
    return told


def _send(connection: socket.socket, payload: bytes) -> None:
    with suppress(OSError):
        connection.sendall(payload)


def _is_closed(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    if not readable:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True
