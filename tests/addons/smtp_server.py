"""The inbox's SMTP server in this process, on a loopback port, over a folder."""

import asyncio
import smtplib
import subprocess
import threading

from kedge_addons.mail.inside.credentials import Credentials
from kedge_addons.mail.inside.letters import Letters
from kedge_addons.mail.inside.server import Door, certificate

LIMITS = {"messages": 5, "message_bytes": 200_000, "total_bytes": 600_000, "connections": 3}
LOGIN = ("inbox", "right")


class SmtpServer:
    """Takes letters while the block lasts."""

    def __init__(self, folder):
        self.folder = folder
        make = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", "-keyout", folder / "server.key", "-out",
            folder / "server.crt",
        ]  # fmt: skip
        subprocess.run(make, check=True, capture_output=True)
        Credentials(folder).keep([{"login": LOGIN[0], "password": LOGIN[1], "until": None}])
        self.letters = Letters(folder, LIMITS["messages"], LIMITS["total_bytes"])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self):
        self._thread.start()
        door = Door(self.folder, LIMITS, certificate(self.folder))
        self._server = self._run(self._serve(door))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, door):
        return await asyncio.get_running_loop().create_server(door, "127.0.0.1", 0)

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def client(self, login=LOGIN):
        """A real client, signed in."""
        made = smtplib.SMTP("localhost", self.port, timeout=10)
        try:
            if login:
                made.login(*login)
        except smtplib.SMTPException:
            made.close()
            raise
        return made
