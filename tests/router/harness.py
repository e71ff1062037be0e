"""A real HAProxy, a real agent and small real dynos for the router's tests."""

import contextlib
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

ROUTER_CODE = Path(__file__).parents[2] / "router"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds=10.0, what="the condition"):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, httpx.HTTPError):
            if found := condition():
                return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {seconds} s")


class Dyno:
    """A web process that answers with its name, well or badly, as the path asks."""

    def __init__(self, name="dyno"):
        self.name = name
        self.gate = threading.Event()
        self.aborted = threading.Event()
        self.served = 0
        dyno = self

        class Handler(DynoHandler):
            owner = dyno

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 256

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return {"host": "127.0.0.1", "port": self.port}

    def stop(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


class DynoHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        url = urlsplit(self.path)
        query = {key: float(values[0]) for key, values in parse_qs(url.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        act = getattr(self, f"_{url.path.strip('/')}", None)
        act(query) if act else self.reply(self.owner.name.encode())
        self.owner.served += 1

    do_POST = do_PUT = do_GET  # noqa: N815

    def reply(self, body, status=200, **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _headers(self, _query):
        self.reply(json.dumps(list(self.headers.items())).encode())

    def _length(self, _query):
        self.reply(str(len(self.body)).encode())

    def _status(self, query):
        self.reply(b"the app's own page", int(query["code"]))

    def _slow(self, query):
        time.sleep(query["s"])
        self.reply(self.owner.name.encode())

    def _gated(self, _query):
        self.owner.gate.wait(30)
        self.reply(self.owner.name.encode())

    def _stream(self, query):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(int(query["n"])):
            self.wfile.write(b"5\r\nchunk\r\n")
            time.sleep(query["gap"])
        self.wfile.write(b"0\r\n\r\n")

    def _close(self, _query):
        self.close_connection = True

    def _garbage(self, _query):
        self.wfile.write(b"this is no HTTP\r\n\r\n")
        self.close_connection = True

    def _cut(self, _query):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.")
        self.close_connection = True

    def _begun(self, _query):
        """Begin an answer, then stay silent until the other side goes away."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.")
        self._silent(_query)

    def _silent(self, _query):
        with contextlib.suppress(OSError):
            self.connection.recv(1)
        self.owner.aborted.set()
        self.close_connection = True

    def _websocket(self, _query):
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        )
        while data := self.connection.recv(4096):
            self.connection.sendall(data)
        self.close_connection = True

    def log_message(self, *_args):
        pass


class Supervised:
    """A program that is started again at once when it ends."""

    def __init__(self, words, environ, output):
        self.words, self.environ, self.output = words, environ, output
        self.wanted = True
        self.child = None
        self.thread = threading.Thread(target=self._keep, daemon=True)
        self.thread.start()

    def _keep(self):
        while self.wanted:
            with self.output.open("ab") as output:
                self.child = subprocess.Popen(
                    self.words, env=self.environ, stdout=output, stderr=output
                )
            self.child.wait()
            time.sleep(0.05)

    @property
    def pid(self):
        return wait_until(lambda: self.child and self.child.pid, what="the start")

    def kill(self, sig=signal.SIGKILL):
        self.child.send_signal(sig)

    def stop(self):
        self.wanted = False
        while self.thread.is_alive():
            with contextlib.suppress(OSError):
                self.child.send_signal(signal.SIGTERM)
            self.thread.join(0.1)


class Router:
    """One router of its own: folder, ports, both programs."""

    def __init__(self, platform="127.0.0.1:9", https=False, **settings):
        self.dir = Path(tempfile.mkdtemp(prefix="kr-"))
        self.port, self.https_port = free_port(), free_port()
        self.certs = self.dir / "certs"
        self.environ = {
            **os.environ,
            "PYTHONPATH": str(ROUTER_CODE),
            "KEDGE_ROUTER_DIR": str(self.dir),
            "KEDGE_ROUTER_HTTP_BINDS": f"127.0.0.1:{self.port}",
            "KEDGE_ROUTER_CERTS": str(self.certs),
            "KEDGE_ROUTER_PLATFORM_BACKEND": platform,
            "KEDGE_ROUTER_SLOTS": "8",
            "KEDGE_ROUTER_QUARANTINE_SECONDS": "0.5",
            **{f"KEDGE_ROUTER_{key.upper()}": str(value) for key, value in settings.items()},
        }
        if https:
            self.environ["KEDGE_ROUTER_HTTPS_BINDS"] = f"127.0.0.1:{self.https_port}"
            self.certs.mkdir()
            (self.certs / "default.pem").write_text(certificate("default.test"))
        self.version = 0
        self.parts = {}
        transport = httpx.HTTPTransport(uds=str(self.dir / "agent.sock"), verify=False)
        self.api = httpx.Client(
            transport=transport, base_url="http://agent", timeout=70, verify=False
        )
        self.web = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, verify=False)

    def start(self, *names):
        for name in names or ("haproxy", "agent"):
            words = [sys.executable, "-m", "kedge_router", name]
            self.parts[name] = Supervised(words, self.environ, self.dir / f"{name}.out")
        return self

    def ready(self):
        wait_until(lambda: self.api.get("/health").json()["ready"], what="the router")
        return self

    def stop(self):
        for part in self.parts.values():
            part.stop()
        self.api.close()
        self.web.close()
        shutil.rmtree(self.dir)

    @property
    def haproxy(self):
        return self.parts["haproxy"]

    @property
    def agent(self):
        return self.parts["agent"]

    def body(self, name, servers, hosts=None, state=None):
        self.version += 1
        return {
            "version": self.version,
            "name": name,
            "hosts": [f"{name}.localhost"] if hosts is None else hosts,
            "state": state,
            "servers": {
                key: value.address if isinstance(value, Dyno) else value
                for key, value in servers.items()
            },
        }

    def put(self, name, servers, hosts=None, state=None):
        """Put an app whose id is `id-NAME`; answers whatever the agent does."""
        return self.api.put(f"/apps/id-{name}", json=self.body(name, servers, hosts, state))

    def get(self, host, path="/", **options):
        host = host if "." in host else f"{host}.localhost"
        headers = {"Host": host, **options.pop("headers", {})}
        return self.web.get(path, headers=headers, **options)

    def raw(self, text, seconds=10):
        """Send bytes as they are and read to the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(text if isinstance(text, bytes) else text.encode())
            answer = b""
            with contextlib.suppress(ConnectionError):
                while part := connection.recv(65536):
                    answer += part
            return answer

    def websocket(self, name):
        """A websocket to an app that echoes what it gets."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(
            f"GET /websocket HTTP/1.1\r\nHost: {name}.localhost\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        assert b" 101 " in connection.recv(4096)
        return connection

    def sessions(self, name):
        return self.api.get(f"/apps/id-{name}/sessions").json()["servers"]

    def log_position(self):
        return self.api.get("/log").json()["next"]

    def log_count(self):
        """Lines the agent holds, and how many it says were lost."""
        count = lost = after = 0
        while True:
            answer = self.api.get("/log", params={"after": after}).json()
            if answer["next"] == after:
                return count, lost
            count += len(answer["lines"])
            lost += answer["lost"]
            after = answer["next"]

    def log_line(self, after, **expected):
        """The first access line above `after` that has all of `expected`."""

        def find():
            answer = self.api.get("/log", params={"after": after, "wait": 1}).json()
            for line in answer["lines"]:
                if all(line[key] == value for key, value in expected.items()):
                    return line
            return None

        return wait_until(find, what=f"a log line with {expected}")

    def cli(self, command):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.dir / "admin.sock"))
            connection.sendall(f"{command}\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
            if not answer:
                raise ConnectionError("HAProxy went away")
            return answer


def certificate(*names):
    """A self-signed chain and key in one PEM text."""
    with tempfile.TemporaryDirectory() as folder:
        words = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
            -keyout {folder}/key -out {folder}/crt -subj /CN={names[0]} \
            -addext subjectAltName={','.join(f'DNS:{name}' for name in names)}"
        subprocess.run(words.split(), check=True, capture_output=True)
        return Path(folder, "crt").read_text() + Path(folder, "key").read_text()
