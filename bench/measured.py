"""What the benchmarks share: a platform, tables, medians, and an app's boot in a bare container.

Figures that are compared are taken in turns in one run, so that a busy machine is busy for both.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import httpx

from kedge.engine.docker import dyno
from system.installation import App, Installation

POLL_SECONDS = 0.003
LIMIT_SECONDS = 60.0


@contextmanager
def platform(**settings: str) -> Iterator[Installation]:
    """A running platform; nothing of it is left afterwards."""
    made = Installation(Path(tempfile.mkdtemp(prefix="kdg-")), extra=settings)
    try:
        made.up()
        yield made
    finally:
        made.destroy()


@contextmanager
def checkout() -> Iterator[Path]:
    """A folder for apps' checkouts."""
    folder = Path(tempfile.mkdtemp(prefix="kdg-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def until_answer(app: App, wanted: str, began: float) -> float:
    """Seconds from `began` until the app's answer through the router has the wanted words."""
    headers = {"Host": f"{app.name}.localhost"}
    url = f"http://127.0.0.1:{app.platform.http_port}/"
    with httpx.Client(headers=headers, timeout=35, verify=False) as visitor:
        return _until(lambda: wanted in visitor.get(url).text, began)


@dataclass(frozen=True, slots=True)
class Bare:
    """An app's image started by hand, in the same network, with nothing of Kedge around it."""

    image: str
    network: str
    command: str

    @classmethod
    def of(cls, app: App, command: str) -> Bare:
        """As the app's web dyno runs now."""
        running = app.platform.containers(app=app.name, kind="dyno")[0]
        networks = running.attrs["NetworkSettings"]["Networks"]
        return cls(running.attrs["Config"]["Image"], next(iter(networks)), command)

    def boot_seconds(self) -> float:
        """From `docker run` to the first answer."""
        began = time.monotonic()
        container = docker.from_env().containers.run(
            self.image,
            ["bash", "-c", dyno.BOOT, "bash", self.command],
            environment={"PORT": "5000"},
            network=self.network,
            init=True,
            detach=True,
        )
        try:
            container.reload()
            address = container.attrs["NetworkSettings"]["Networks"][self.network]["IPAddress"]
            with httpx.Client(timeout=5, verify=False) as visitor:
                return _until(lambda: visitor.get(f"http://{address}:5000/").is_success, began)
        finally:
            container.remove(force=True)


def _until(is_so: Callable[[], bool], began: float) -> float:
    while time.monotonic() - began < LIMIT_SECONDS:
        with suppress(httpx.HTTPError):
            if is_so():
                return time.monotonic() - began
        time.sleep(POLL_SECONDS)
    raise SystemExit(f"waited {LIMIT_SECONDS:.0f} s in vain")


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def seconds(values: Sequence[float]) -> str:
    """The median with the whole range, as a table shows it."""
    return f"{median(values):.2f} s  ({min(values):.2f} to {max(values):.2f})"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    print(f"\n{title}")
    for number, row in enumerate(cells):
        print("  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))
    sys.stdout.flush()


def verdict(value: float, target: float) -> str:
    """Whether a figure keeps to its target."""
    return "kept" if value <= target else "MISSED"
