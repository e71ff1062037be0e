"""What the router costs: Kedge's HAProxy beside a bare HAProxy and a bare nginx, in turns.

All three send to the same upstream, an nginx that answers 612 bytes by itself; each has one thread
and keeps its connections to it. Kedge's looks the host up, adds headers, and logs each request.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from measured import median, table

from router.harness import Router
from system.installation import free_ports

ROUNDS = 5
SECONDS = 4
CONNECTIONS = 64
HOST = "router-bench.localhost"

UPSTREAM = """
worker_processes 1; daemon off; pid {folder}/upstream.pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "{body}"; }} }}
}}
"""
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000;
  upstream app {{ server 127.0.0.1:{upstream}; keepalive 256; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
}}
"""
HAPROXY = """
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  option http-no-delay
  http-reuse always
  timeout client 30s
  timeout connect 5s
  timeout server 30s
frontend web
  bind 127.0.0.1:{port}
  option forwardfor
  default_backend app
backend app
  server one 127.0.0.1:{upstream}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk found."""

    requests_per_second: float
    half_ms: float
    most_ms: float


def wrk(port: int, connections: int) -> Load:
    """Load one port."""
    said = subprocess.run(
        ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{SECONDS}s",
         "--latency", "--header", f"Host: {HOST}", f"http://127.0.0.1:{port}/"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    if "Non-2xx" in said:
        raise SystemExit(said)
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])
    return Load(rate, _latency(said, "50%"), _latency(said, "99%"))


def _latency(said: str, percentile: str) -> float:
    number, unit = re.findall(rf"{percentile}\s+([\d.]+)(us|ms|s)", said)[0]
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


@contextmanager
def servers() -> Iterator[dict[str, int]]:
    """The upstream and the two bare proxies; their ports."""
    upstream, nginx, haproxy = free_ports(3)
    with tempfile.TemporaryDirectory(prefix="kdg-router-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        texts = {
            "upstream.conf": UPSTREAM.format(folder=folder, port=upstream, body="x" * 612),
            "nginx.conf": NGINX.format(folder=folder, port=nginx, upstream=upstream),
            "haproxy.cfg": HAPROXY.format(port=haproxy, upstream=upstream),
        }
        for file, text in texts.items():
            (folder / file).write_text(text)
        commands = [
            ["nginx", "-c", str(folder / "upstream.conf")],
            ["nginx", "-c", str(folder / "nginx.conf")],
            ["haproxy", "-q", "-db", "-f", str(folder / "haproxy.cfg")],
        ]
        started = [subprocess.Popen(command) for command in commands]
        try:
            for port in (upstream, nginx, haproxy):
                _wait_for(port)
            yield {"upstream, direct": upstream, "nginx, bare": nginx, "HAProxy, bare": haproxy}
        finally:
            for process in started:
                process.terminate()
                process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": HOST}).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def kedge(upstream: int) -> Iterator[int]:
    """Kedge's HAProxy and its agent, which reads each request's line; their port."""
    router = Router(slots=2000).start().ready()
    try:
        servers = {"web.1-bench": {"host": "127.0.0.1", "port": upstream}}
        router.put("bench", servers, hosts=[HOST]).raise_for_status()
        yield router.port
    finally:
        router.stop()


def main() -> None:
    """Measure and print."""
    with servers() as ports, kedge(ports["upstream, direct"]) as port:
        _wait_for(port)
        ports["Kedge"] = port
        many: dict[str, list[Load]] = {name: [] for name in ports}
        one: dict[str, list[Load]] = {name: [] for name in ports}
        for _ in range(ROUNDS):
            for name, listening in ports.items():
                many[name].append(wrk(listening, CONNECTIONS))
                one[name].append(wrk(listening, 1))
    direct = median([load.half_ms for load in one["upstream, direct"]])
    own_rate = median([load.requests_per_second for load in many["Kedge"]])
    rows = []
    for name in ports:
        rate = median([load.requests_per_second for load in many[name]])
        alone = median([load.half_ms for load in one[name]])
        rows.append(
            (name, f"{rate:.0f}", f"{own_rate / rate:.2f}",
             f"{median([load.most_ms for load in many[name]]):.1f} ms",
             f"{alone:.3f} ms", f"{(alone - direct) * 1000:+.0f} µs")
        )  # fmt: skip
    table(
        f"The router, one thread each, {ROUNDS} rounds of {SECONDS} s in turns",
        ("", f"requests/s (c={CONNECTIONS})", "Kedge's share of it", "p99", "p50 (c=1)", "added"),
        rows,
    )


if __name__ == "__main__":
    main()
