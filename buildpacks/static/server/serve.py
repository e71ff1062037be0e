"""A small server for plain files: `python3 serve.py`, on $PORT, until SIGTERM.

Threads, HTTP/1.1 with connections kept alive, GET and HEAD. On SIGTERM it takes no more
connections, ends what is being sent, and exits.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from representation import Representation, byte_range, not_modified, represent
from resolve import Found, decode, lost, resolve
from settings import Settings, read

_DRAIN_SECONDS = 25
_APP = Path(__file__).resolve().parents[2]


class Server(ThreadingHTTPServer):
    """Counts the requests being answered, so that they can be waited for."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], site: Settings) -> None:
        self.site = site
        self._busy = 0
        self._idle = threading.Condition()
        super().__init__(address, Handler)

    def begin(self) -> None:
        """A request is being answered."""
        with self._idle:
            self._busy += 1

    def end(self) -> None:
        """It has been."""
        with self._idle:
            self._busy -= 1
            self._idle.notify_all()

    def wait_until_idle(self, seconds: float) -> bool:
        """Whether no request was left within that time."""
        with self._idle:
            return self._idle.wait_for(lambda: self._busy == 0, seconds)


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[float] = 120  # longer than any router keeps an idle connection

    def do_GET(self) -> None:
        """Send a file."""
        self._counted(with_body=True)

    def do_HEAD(self) -> None:
        """Send a file's headers."""
        self._counted(with_body=False)

    def _refuse(self) -> None:
        """Any other method. The connection ends, for a body may follow that nobody reads."""
        self.close_connection = True
        self._headers(405, {"Allow": "GET, HEAD", "Content-Length": "0", "Connection": "close"})

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse  # noqa: N815  (http.server's names)

    def version_string(self) -> str:
        """What the Server header says."""
        return "kedge-static"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (http.server's name)
        """Nothing: the router logs every request."""

    def _counted(self, *, with_body: bool) -> None:
        self.server.begin()
        try:
            self._answer(with_body=with_body)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True
        finally:
            self.server.end()

    def _answer(self, *, with_body: bool) -> None:
        site = self.server.site
        if site.https_only and self.headers.get("X-Forwarded-Proto", "https") != "https":
            self._redirect(f"https://{self.headers.get('Host', '')}{self.path}", 301)
            return
        path = decode(self.path)
        if path is not None and path in site.redirects:
            self._redirect(site.redirects[path].url, site.redirects[path].status)
            return
        found = resolve(site, path) if path is not None else lost(site)
        if found.folder and path is not None:
            query = self.path.partition("?")
            # One slash at the front: two would name another host.
            self._redirect("/" + quote(path.lstrip("/")) + "/" + "".join(query[1:]), 301)
        elif found.file is None:
            self._text(404, "Not found\n", with_body=with_body)
        else:
            self._file(found, path or "/", with_body=with_body)

    def _file(self, found: Found, path: str, *, with_body: bool) -> None:
        assert found.file is not None  # noqa: S101  (the caller looked)
        try:
            ranged = "Range" in self.headers
            accepted = "" if ranged else self.headers.get("Accept-Encoding", "")
            sent = represent(found.file, accepted)
        except OSError:
            self._text(404, "Not found\n", with_body=with_body)
            return
        if found.status == 200 and not_modified(
            sent, self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")
        ):
            self._head(304, sent, path, 0)
            return
        part = None
        if found.status == 200:
            part = byte_range(self.headers.get("Range"), self.headers.get("If-Range"), sent)
        if part is not None and not part:
            self._unsatisfiable(sent)
            return
        self._send(found.status, sent, path, part, with_body=with_body)

    def _send(
        self, status: int, sent: Representation, path: str, part: range | None, *, with_body: bool
    ) -> None:
        whole = part is None
        chosen = range(sent.size_bytes) if part is None else part
        self._head(status if whole else 206, sent, path, len(chosen), part)
        if not with_body:
            return
        if sent.body is not None:
            self.wfile.write(sent.body)
        elif chosen:
            self.wfile.flush()
            with sent.file.open("rb") as file:
                self.connection.sendfile(file, chosen.start, len(chosen))

    def _head(
        self,
        status: int,
        sent: Representation,
        path: str,
        length: int,
        part: range | None = None,
    ) -> None:
        headers = {
            "Content-Type": sent.content_type,
            "ETag": sent.etag,
            "Last-Modified": sent.last_modified,
            "Cache-Control": sent.cache_control,
            "Accept-Ranges": "bytes",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if status != 304:
            headers["Content-Length"] = str(length)
        if sent.encoding:
            headers["Content-Encoding"] = sent.encoding
        if part is not None:
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{sent.size_bytes}"
        for pattern, added in self.server.site.headers:
            if pattern.fullmatch(path):
                headers.update(added)
        self._headers(status, headers)

    def _unsatisfiable(self, sent: Representation) -> None:
        self._headers(416, {"Content-Range": f"bytes */{sent.size_bytes}", "Content-Length": "0"})

    def _redirect(self, url: str, status: int) -> None:
        # A line break in an address would let it write headers of its own.
        safe = url.replace("\r", "").replace("\n", "")
        self._headers(status, {"Location": safe, "Content-Length": "0"})

    def _text(self, status: int, text: str, *, with_body: bool) -> None:
        body = text.encode()
        kind = "text/plain; charset=utf-8"
        self._headers(status, {"Content-Type": kind, "Content-Length": str(len(body))})
        if with_body:
            self.wfile.write(body)

    def _headers(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(HTTPStatus(status))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def main() -> int:
    """Serve until SIGTERM; the exit status."""
    site = read(Path(__file__).with_name("settings.json"), _APP)
    port = int(os.environ.get("PORT", "5000"))
    server = Server(("0.0.0.0", port), site)  # noqa: S104  (the router reaches it from outside)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    serving.start()
    print(f"Serving {site.root} on port {port}", flush=True)
    ending.wait()
    server.shutdown()
    server.server_close()
    started = time.monotonic()
    idle = server.wait_until_idle(_DRAIN_SECONDS)
    print(f"Stopped after {time.monotonic() - started:.1f} s", flush=True)
    return 0 if idle else 1


if __name__ == "__main__":
    sys.exit(main())
