"""An SMTP server that keeps all letters and sends none: aiosmtpd, with letters behind it.

What it may take is in its environment: MAIL_MESSAGES, MAIL_MESSAGE_BYTES, MAIL_TOTAL_BYTES,
MAIL_CONNECTIONS. Who may send is in the inbox's credentials, looked up at each sign-in.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from kedge_addons.mail.inside.credentials import Credentials
from kedge_addons.mail.inside.letters import Letters

RECIPIENTS = 100
IDLE_SECONDS = 60
log = logging.getLogger("mail")


class Keep:
    """What is done with what comes: it is kept."""

    def __init__(self, letters: Letters) -> None:
        self._letters = letters
        self._one = asyncio.Lock()  # one letter at a time is taken apart: memory is the plan's

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Anybody is a recipient, up to a hundred for one letter."""
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return f"452 4.5.3 A letter has up to {RECIPIENTS} recipients here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep a letter; it is on the disk when the client is told so."""
        raw = envelope.original_content or b""
        sender, recipients = envelope.mail_from or "", list(envelope.rcpt_tos)
        try:
            async with self._one:
                number = await asyncio.to_thread(self._letters.add, sender, recipients, raw)
        except Exception:  # the client keeps the letter and may try again; the log says why
            log.exception("a letter could not be kept")
            return "451 4.3.0 The letter could not be kept, try again"
        return f"250 2.0.0 Kept as {number}"


class Door:
    """Makes the server of each connection, of which there are so many at once."""

    def __init__(self, folder: Path, limits: dict[str, int], tls: ssl.SSLContext | None) -> None:
        letters = Letters(folder, limits["messages"], limits["total_bytes"])
        self._keep, self._credentials, self._tls = Keep(letters), Credentials(folder), tls
        self._limits = limits
        self._open: set[SMTP] = set()

    def __call__(self) -> SMTP:
        """The protocol of a new connection."""
        return _Counted(
            self._open, self._limits["connections"], self._keep, tls_context=self._tls,
            data_size_limit=self._limits["message_bytes"], enable_SMTPUTF8=True,
            ident="Kedge mail", hostname=os.uname().nodename, timeout=IDLE_SECONDS,
            auth_required=True, auth_require_tls=False, authenticator=self._authenticate,
        )  # fmt: skip

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        login, password = getattr(given, "login", b""), getattr(given, "password", b"")
        return AuthResult(success=self._credentials.are_good(login, password), handled=False)


class _Counted(SMTP):
    """One connection, if there are not too many."""

    line_length_limit = 2**16  # many programs write longer lines than the 998 of RFC 5321

    def __init__(self, others: set[SMTP], connections: int, handler: Keep, **more: Any) -> None:
        super().__init__(handler, **more)
        self._others, self._connections = others, connections

    def connection_made(self, transport: Any) -> None:
        """Comes once more after STARTTLS."""
        if self not in self._others and len(self._others) >= self._connections:
            transport.write(b"421 4.7.0 Too many connections for this plan\r\n")
            transport.close()
            return
        self._others.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Comes as well for one that was sent away."""
        if self in self._others:
            self._others.discard(self)
            super().connection_lost(error)


def certificate(folder: Path) -> ssl.SSLContext | None:
    """What STARTTLS shows; None where there is no certificate."""
    if not (folder / "server.crt").exists():
        return None
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(folder / "server.crt", folder / "server.key")
    return made


async def serve(folder: Path, host: str, port: int, limits: dict[str, int]) -> None:
    """Serve until told to stop."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(Door(folder, limits, certificate(folder)), host, port)
    log.warning("takes letters on port %d", port)
    await stopped.wait()
    server.close()


def main() -> None:
    """Serve as the environment says."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    # It warns of each connection that a password may be sent without TLS, which is for apps to say.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    names = ("messages", "message_bytes", "total_bytes", "connections")
    limits = {name: int(os.environ[f"MAIL_{name.upper()}"]) for name in names}
    folder, port = Path(os.environ["MAIL_FOLDER"]), int(os.environ["MAIL_PORT"])
    # The container's own network: dynos of attached apps reach it, nobody else.
    asyncio.run(serve(folder, "0.0.0.0", port, limits))  # noqa: S104


if __name__ == "__main__":
    main()
