"""Add-ons: from asking for one until its config vars are in a release, beside a bare `docker run`.

Bare is the same image with the same server and nothing of Kedge around it: started, and asked until
it answers. Both are taken in turns, so that a busy machine is busy for both.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import docker
from measured import median, platform, seconds, table, verdict

from system.installation import Installation

ROUNDS = 7
IMAGE = "kedge/addons:kedge-13"
POLL_SECONDS = 0.01
LIMIT_SECONDS = 60.0
POSTGRES = """
cp -a /usr/share/kedge/postgresql/17 /data/pg
printf 'local all all trust\\n' > /data/pg/pg_hba.conf
exec postgres -D /data/pg -c unix_socket_directories=/tmp
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A server by hand: what is run, what tells that it answers, and what Kedge is to keep to."""

    plan: str
    command: Sequence[str]
    probe: Sequence[str]
    target_seconds: float


PEERS = (
    Peer(
        "heroku-postgresql:essential-0", ("bash", "-c", POSTGRES),
        ("psql", "-qh", "/tmp", "-U", "postgres", "-c", "CREATE DATABASE d"), 5.0,
    ),
    Peer(
        "heroku-redis:mini", ("redis-server", "--save", "", "--unixsocket", "/tmp/redis.sock"),
        ("bash", "-c", "redis-cli -s /tmp/redis.sock ping | grep PONG"), 2.0,
    ),
)  # fmt: skip


def main() -> None:
    """Measure in turns and print."""
    rows = []
    with platform() as made:
        for peer in PEERS:
            attached(made, peer.plan)  # the first of a platform: images, pages and pools are cold
            pairs = [(attached(made, peer.plan), bare_seconds(peer)) for _ in range(ROUNDS)]
            ours, bare = ([pair[n] for pair in pairs] for n in (0, 1))
            ratio = f"{median(ours) / median(bare):.1f}x"
            kept = verdict(median(ours), peer.target_seconds)
            rows.append((peer.plan, seconds(ours), seconds(bare), ratio,
                         f"{peer.target_seconds:.0f} s: {kept}"))  # fmt: skip
    head = ("add-on", "asked to attached", "bare docker run to answer", "ratio", "target")
    table(f"Add-ons, medians of {ROUNDS}", head, rows)


def attached(made: Installation, plan: str) -> float:
    """Seconds from `POST /apps/NAME/addons` until a release of the app has its config vars."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    expect(made.api("POST", "/apps", {"name": name}), 201)
    began = time.monotonic()
    addon = expect(made.api("POST", f"/apps/{name}/addons", {"plan": plan}), 201, 202)
    # The app is new: what it has is what was attached, and what it has is in a release.
    until(lambda: expect(made.api("GET", f"/apps/{name}/config-vars"), 200))
    taken = time.monotonic() - began
    expect(made.api("DELETE", f"/apps/{name}/addons/{addon['name']}"), 200, 202)
    expect(made.api("DELETE", f"/apps/{name}"), 200)
    return taken


def expect(answer: object, *statuses: int) -> dict[str, object]:
    """The JSON of an answer that has one of these statuses."""
    if answer.status_code not in statuses:
        raise SystemExit(f"{answer.request.url}: {answer.status_code} {answer.text[:300]}")
    return answer.json()


def bare_seconds(peer: Peer) -> float:
    """Seconds from `docker run` to the first answer of the server."""
    engine = docker.from_env()
    volume = engine.volumes.create()
    began = time.monotonic()
    container = engine.containers.run(
        IMAGE, list(peer.command), init=True, detach=True, volumes=[f"{volume.name}:/data"]
    )
    try:
        until(lambda: container.exec_run(list(peer.probe)).exit_code == 0)
        return time.monotonic() - began
    finally:
        container.remove(force=True)
        volume.remove()


def until(is_so: Callable[[], object]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {LIMIT_SECONDS:.0f} s in vain")
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
