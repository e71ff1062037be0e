"""One-off dynos of this machine's own processes, and the door they are attached through."""

import datetime as dt
import fcntl
import ipaddress
import os
import pty
import signal
import socket
import ssl
import struct
import subprocess
import termios
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kedge.engine.rendezvous import RendezvousServer
from kedge.engine.rendezvous_session import GREETING

SECRET = "0123456789abcdef0123456789abcdef"
PATIENCE_SECONDS = 20.0


class Streams:
    """An attachment to a process of this machine, by pipes or by a terminal of its own."""

    def __init__(self, command: str, *, tty: bool) -> None:
        self.command, self.tty = command, tty
        self.process: subprocess.Popen[bytes] | None = None
        if tty:
            self.ours, self.its_end = pty.openpty()
            self.stdin = self.its_output = self.its_end
        else:
            self.its_end, self.stdin = os.pipe()
            self.ours, self.its_output = os.pipe()
        self.closed = threading.Event()

    def start(self) -> None:
        # A terminal of its own also sends it signals, as an engine's does; tests that run in the
        # background would have it ignore them.
        own_terminal = ["setsid", "--ctty", "env", "--default-signal"] if self.tty else []
        self.process = subprocess.Popen(
            [*own_terminal, "/bin/bash", "-c", self.command],
            stdin=self.its_end,
            stdout=self.its_output,
            stderr=self.its_output,
            start_new_session=not self.tty,
        )
        os.close(self.its_end)
        if not self.tty:
            os.close(self.its_output)

    def send(self, payload: bytes) -> None:
        while payload:
            payload = payload[os.write(self.ours if self.tty else self.stdin, payload) :]

    def close_stdin(self) -> None:
        os.close(self.stdin)

    def receive(self) -> bytes:
        try:
            return os.read(self.ours, 65536)
        except OSError:  # how a terminal says that nobody has it open any more
            return b""

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def close(self) -> None:
        self.closed.set()


class OneOff:
    """A session as the server sees it; remembers what happened to it."""

    def __init__(self, command: str, *, tty: bool = False, size: tuple[int, int] | None = None):
        self.tty, self.size = tty, size
        self.attachment = Streams(command, tty=tty)
        self.hung_up = threading.Event()
        self.done = threading.Event()
        self.happened: list[str] = []

    def start(self) -> None:
        self.happened.append("start")
        self.attachment.start()

    def hang_up(self) -> None:
        self.happened.append("hang_up")
        self.hung_up.set()
        if self.attachment.process:
            os.killpg(self.attachment.process.pid, signal.SIGHUP)

    def finished(self) -> None:
        self.happened.append("finished")
        self.done.set()


class Door:
    """A server and the sessions that wait behind it, by secret."""

    def __init__(self, certificate: Path, **options: float) -> None:
        self.sessions: dict[str, OneOff] = {}
        self.server = RendezvousServer(
            "127.0.0.1", 0, certificate, lambda secret: self.sessions.pop(secret, None), **options
        )
        self.port = self.server.start()
        self.trust = ssl.create_default_context(cafile=certificate)

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)
        return self.trust.wrap_socket(plain, server_hostname="127.0.0.1")

    def attach(self, session: OneOff, secret: str = SECRET) -> ssl.SSLSocket:
        """A client that was greeted."""
        self.sessions[secret] = session
        client = self.connect()
        client.sendall(f"{secret}\r\n".encode())
        assert client.recv(65536) == GREETING
        return client


def make_certificate(path: Path) -> Path:
    """A certificate for 127.0.0.1, signed by itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rendezvous")])
    now = dt.datetime.now(dt.UTC)
    alone = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(alone, critical=False)
        .sign(key, hashes.SHA256())
    )
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, form, plain))
    return path
